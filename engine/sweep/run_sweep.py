"""A sweep: what is swept, the figures of all variants, and what is written of them.

1. `Sweep.of`      axes and a config to a template, and the variants
2. `run_sweep`     scanner by scanner: the variants that differ in its parameters, judged the cheapest way
3. `SweepResult`   figures beside each variant's parameters; `store.write` puts them into a folder
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.errors import ConfigError, did_you_mean
from engine.panel.bars import Ints
from engine.progress import Progress
from engine.results.outcomes import HORIZONS
from engine.sweep.axes import Axis
from engine.sweep.declared import Builder, NotColumns
from engine.sweep.figures import Asked
from engine.sweep.one_by_one import AT_ONCE, judge_one_by_one
from engine.sweep.one_pass import Group, judge_in_one_pass
from engine.sweep.strategy_variants import TradingFigures, judge_trading
from engine.sweep.template import Template, template_of
from engine.sweep.variants import Variants, drawn, grid_of, spread


@dataclass(frozen=True)
class Sweep:
    """What is swept.

    template   the config with places for parameters
    variants   which values each variant has
    first_hit  whether the first hit of each symbol and session alone is judged
    drawn      how variants were chosen: "grid", "random", "sobol"; `seed` of those that are drawn
    horizons   of forward returns (engine/results/outcomes.py)
    """

    template: Template
    variants: Variants
    first_hit: bool = False
    drawn: str = "grid"
    seed: int = 0
    horizons: tuple[str, ...] = HORIZONS

    @classmethod
    def of(
        cls,
        loaded: LoadedConfig,
        axes: Sequence[Axis],
        *,
        random: int | None = None,
        sobol: int | None = None,
        seed: int = 0,
        first_hit: bool = False,
        horizons: Sequence[str] = HORIZONS,
        where: Sequence[str] = (),
    ) -> Sweep:
        """All combinations of the axes' values, or so many of them; see `template_of`."""
        if random is not None and sobol is not None:
            raise ConfigError("random and sobol", expected="one of them")
        template = template_of(loaded, axes, where)
        if random is not None:
            how, variants = "random", drawn(axes, random, seed)
        elif sobol is not None:
            how, variants = "sobol", spread(axes, sobol, seed)
        else:
            how, variants = "grid", grid_of(axes)
        _check(horizons)
        return cls(template, variants, first_hit, how, seed, tuple(horizons))

    @property
    def asked(self) -> Asked:
        """Which hits are judged, and by what."""
        return Asked(self.first_hit, self.horizons)

    def config(self, number: int) -> LoadedConfig:
        """The config of a variant: run alone it gives the figures of the variant."""
        return self.template.config(self.variants.values(number))

    @property
    def trades(self) -> bool:
        """Whether the config has strategies."""
        return any(block["enabled"] for block in self.template.content["strategies"])

    def scanners(self) -> list[tuple[int, str]]:
        """Place and name of each scanner of the config that is enabled."""
        scanners = self.template.content["session_data_config"]["scanners"]
        return [
            (number, block["name"] or block["module"])
            for number, block in enumerate(scanners)
            if block["enabled"]
        ]


@dataclass(frozen=True)
class SweepResult:
    """What a sweep came to.

    figures  a row a variant, in the order of their numbers
    ways     of each scanner how its variants were judged, and why; of strategies together as `trading`
    trading  what the variants' strategies traded, and their daily returns; None without strategies
    """

    sweep: Sweep
    figures: pl.DataFrame = field(repr=False)
    ways: dict[str, str]
    seconds: float
    trading: TradingFigures | None = field(default=None, repr=False)

    @property
    def variants(self) -> pl.DataFrame:
        """A row a variant: number, a column a swept parameter, the figures."""
        return pl.concat([self.sweep.variants.frame(), self.figures], how="horizontal")


def _check(horizons: Sequence[str]) -> None:
    for one in horizons:
        if one not in HORIZONS:
            raise ConfigError(
                f"no horizon {one!r}",
                expected=f"some of {', '.join(HORIZONS)}",
                fix=did_you_mean(one, HORIZONS),
            )
    if not horizons or len(set(horizons)) < len(horizons):
        raise ConfigError(f"horizons {', '.join(horizons)}", expected="each once, one at least")


def run_sweep(sweep: Sweep, archive: Archive, progress: Progress) -> SweepResult:
    """Judge all variants of a sweep over an archive."""
    clock, frames, ways = time.perf_counter(), [], {}
    scanners = sweep.scanners()
    if not scanners and not sweep.trades:
        raise ConfigError(
            "no scanner", where="sweep", expected="one at least that is enabled, or a strategy"
        )
    for number, label in scanners:
        figures, ways[label] = _judge(sweep, number, archive, progress)
        if len(scanners) > 1:
            figures = figures.rename({name: f"{label}.{name}" for name in figures.columns})
        frames.append(figures)
    trading = None
    if sweep.trades:
        configs = [sweep.config(number) for number in range(len(sweep.variants))]
        trading = judge_trading(configs, archive, progress)
        frames.append(trading.figures)
        ways["trading"] = trading.way
    together = pl.concat(frames, how="horizontal")
    _refuse_names(sweep, together.columns)
    return SweepResult(sweep, together, ways, time.perf_counter() - clock, trading)


def _refuse_names(sweep: Sweep, figures: Sequence[str]) -> None:
    for axis in sweep.variants.axes:
        if axis.name in figures:
            raise ConfigError(
                f"the parameter {axis.name} is called as a figure is",
                where="grid",
                expected="its whole name, such as SCANNER.NAME or strategies.STRATEGY.NAME",
            )


def _judge(
    sweep: Sweep, scanner: int, archive: Archive, progress: Progress
) -> tuple[pl.DataFrame, str]:
    """The figures of a scanner for every variant of the sweep, and how they were come by."""
    template, variants = sweep.template, sweep.variants
    names = template.of_scanner(scanner)
    axes = [place for place, axis in enumerate(variants.axes) if axis.name in names]
    numbers, rows = _distinct(variants, axes)
    outside = [place for place in axes if not template.within(variants.axes[place].name, scanner)]
    _, groups = _distinct(Variants(variants.axes, variants.codes[numbers], False), outside)
    frames, places, ways = [], [], []
    for group in range(int(groups.max()) + 1):
        own = np.flatnonzero(groups == group)
        inside = [place for place in axes if place not in outside]
        figures, way = _judge_group(
            sweep, scanner, numbers[own], (inside, outside), archive, progress
        )
        frames.append(figures)
        places.append(own)
        ways.append(way)
    figures = (
        frames[0] if len(frames) == 1 else pl.concat(frames)[np.argsort(np.concatenate(places))]
    )
    if len(rows) != len(numbers) or (np.diff(rows) != 1).any():
        figures = figures[rows]
    return figures, "; ".join(dict.fromkeys(ways))


def _judge_group(
    sweep: Sweep,
    scanner: int,
    numbers: Ints,
    axes: tuple[list[int], list[int]],
    archive: Archive,
    progress: Progress,
) -> tuple[pl.DataFrame, str]:
    """Variants that differ in parameters of the scanner alone, the first of the two lists of axes."""
    variants = sweep.variants
    inside, outside = axes
    values = variants.values(int(numbers[0]))
    loaded = _alone(sweep.template.config(values), scanner)
    group = Group(
        loaded,
        tuple(variants.axes[place] for place in inside),
        variants.codes[numbers][:, inside],
    )
    fixed = {variants.axes[place].name: values[variants.axes[place].name] for place in outside}
    try:
        builder = Builder(sweep.template, scanner, fixed)
        judged = judge_in_one_pass(
            builder,
            group.compact(),
            archive,
            sweep.asked,
            lambda done, total: progress("sessions", done, total),
        )
        return judged.sums.figures(judged.sessions), judged.way
    except NotColumns as why:
        rows = [variants.values(int(number)) for number in numbers]
        figures = judge_one_by_one(sweep.template, scanner, rows, archive, sweep.asked, progress)
        return figures, f"one scan a variant, {AT_ONCE} side by side in a pass: {why}"


def _alone(loaded: LoadedConfig, scanner: int) -> LoadedConfig:
    """The config with one of its scanners, and nothing that trades."""
    data = loaded.config.session_data_config
    alone = data.model_copy(update={"scanners": [data.scanners[scanner]]})
    return loaded.changed(session_data_config=alone, strategies=[])


def _distinct(variants: Variants, axes: Sequence[int]) -> tuple[Ints, Ints]:
    """The first variants of each combination of some axes' values, and of each variant which of them it is."""
    if not axes:
        return np.zeros(1, np.int64), np.zeros(len(variants), np.int64)
    sizes = [len(variants.axes[place]) for place in axes]
    if variants.whole and list(axes) == list(range(len(variants.axes))):
        return np.arange(len(variants)), np.arange(len(variants))
    keys = np.ravel_multi_index(tuple(variants.codes[:, axes].T), sizes)
    _, first, rows = np.unique(keys, return_index=True, return_inverse=True)
    return first, rows.reshape(-1)
