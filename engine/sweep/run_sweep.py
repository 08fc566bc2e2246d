"""A sweep: what is swept, the figures of all variants, and what is written of them.

1. `Sweep.of`      axes and a config to a template, and the variants
2. `run_sweep`     scanner by scanner: the variants that differ in its parameters, judged the
                   cheapest way
3. `SweepResult`   figures beside each variant's parameters; `store.write` puts them into a folder
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.errors import ConfigError, SessionFileError
from engine.progress import Progress
from engine.sweep.checkpoints import Checkpoints
from engine.sweep.judging import Judging
from engine.sweep.known import known_figures, merged, worth_keeping
from engine.sweep.strategy_variants import TradingFigures, judge_trading
from engine.sweep.sweep_luck import SweepLuck, sweep_luck
from engine.sweep.sweep_spec import Sweep


@dataclass(frozen=True)
class SweepResult:
    """What a sweep came to.

    figures   a row a variant, in the order of their numbers
    ways      of each scanner how its variants were judged, and why; of strategies together, as
              `trading`
    computed  how many variants were judged; of the others the figures were known
    warnings  what is odd, in words
    skipped   date -> why a session could not be read
    trading   what the variants' strategies traded, and their daily returns; None without strategies
    """

    sweep: Sweep
    figures: pl.DataFrame = field(repr=False)
    ways: dict[str, str]
    seconds: float
    computed: int
    warnings: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    trading: TradingFigures | None = field(default=None, repr=False)

    @property
    def variants(self) -> pl.DataFrame:
        """A row a variant: number, a column a swept parameter, the figures."""
        return pl.concat([self.sweep.variants.frame(), self.figures], how="horizontal")

    @cached_property
    def luck(self) -> list[SweepLuck]:
        """How much of the best variants luck alone would give."""
        return sweep_luck(self.figures, self.sweep.horizons, self.trading)


def run_sweep(
    sweep: Sweep,
    archive: Archive,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
    known: pl.DataFrame | None = None,
) -> SweepResult:
    """Judge all variants of a sweep over an archive.

    checkpoints  where what is done is kept while the sweep goes on
    known        variants of an earlier sweep of the same, with figures: those of them that are
                 swept again are taken as they are
    """
    if not sweep.scanners() and not sweep.trades:
        raise ConfigError(
            "no scanner", where="sweep", expected="one at least that is enabled, or a strategy"
        )
    clock = time.perf_counter()
    result = _scanned(sweep, archive, progress, checkpoints or Checkpoints(), known)
    if sweep.trades:
        result = _traded(result, archive, progress)
    return replace(result, seconds=time.perf_counter() - clock)


def _scanned(
    sweep: Sweep,
    archive: Archive,
    progress: Progress,
    checkpoints: Checkpoints,
    known: pl.DataFrame | None,
) -> SweepResult:
    """What the variants' scanners found; of strategies, what was known of them is not taken."""
    if not sweep.scanners():
        return SweepResult(sweep, pl.DataFrame(), {}, 0.0, len(sweep.variants))
    usable = None if known is None or sweep.trades else known
    kept = None if usable is None else known_figures(sweep.variants, usable)
    new = np.arange(len(sweep.variants)) if kept is None else np.flatnonzero(~kept[1])
    if kept is not None and not worth_keeping(sweep.variants, new):
        kept, new = None, np.arange(len(sweep.variants))
    part = sweep if kept is None else replace(sweep, variants=sweep.variants.some(new))
    judged = _judged(part, archive, checkpoints, progress) if len(new) else None
    figures = judged.figures if judged else None
    if kept is not None:
        figures = merged(kept[0], new, figures)
    assert figures is not None
    ways = {} if judged is None else judged.ways
    told = [] if judged is None else judged.warnings
    skipped = {} if judged is None else judged.skipped
    return SweepResult(sweep, figures, ways, 0.0, len(new), tuple(told), skipped)


def _traded(result: SweepResult, archive: Archive, progress: Progress) -> SweepResult:
    """With what the variants' strategies traded."""
    sweep = result.sweep
    configs = [sweep.config(number) for number in range(len(sweep.variants))]
    trading = judge_trading(configs, archive, progress)
    figures = pl.concat([result.figures, trading.figures], how="horizontal")
    for axis in sweep.variants.axes:
        if axis.name in figures.columns:
            raise ConfigError(
                f"the parameter {axis.name} is called as a figure is",
                where="grid",
                expected="its whole name, such as SCANNER.NAME or strategies.STRATEGY.NAME",
            )
    ways = {**result.ways, "trading": trading.way}
    return replace(result, figures=figures, ways=ways, trading=trading)


def _judged(
    sweep: Sweep, archive: Archive, checkpoints: Checkpoints, progress: Progress
) -> Judging:
    """All variants judged, without the sessions that cannot be read where the config says so."""
    skipped: dict[str, str] = {}
    while True:
        try:
            judging = Judging(sweep, archive, checkpoints, progress, skipped)
            judging.run()
            return judging
        except SessionFileError as error:
            config = sweep.config(0).config
            if config.backtest_config.on_corrupt == "stop":
                raise
            skipped[str(error.date)] = str(error)
            archive = archive.without([error.date])
