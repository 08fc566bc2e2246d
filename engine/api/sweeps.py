"""Sweeps: variants of scanners, judged by what their hits did next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import polars as pl
from pydantic import ValidationError

from engine.analysis.forward_returns import HORIZONS
from engine.api.notebook_html import facts_html
from engine.api.open_market import OpenMarket, Scannable, folder_of, open_market
from engine.api.progress_display import telling
from engine.api.scan_options import ScanOptions, Spell
from engine.api.scan_sources import (
    DEFAULT_ARCHIVE,
    MODULE,
    config_of,
    is_run_or_config,
    loaded_from,
    scan_config,
)
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.config.sweep_model import SweepConfig
from engine.errors import ConfigError
from engine.progress import Progress
from engine.sweep import store
from engine.sweep.axes import Axis, axes_of, text_of
from engine.sweep.checkpoints import Checkpoints
from engine.sweep.config_template import WHERE, with_texts
from engine.sweep.figures import Asked
from engine.sweep.run_sweep import SweepResult, run_sweep
from engine.sweep.sweep_spec import Sweep

Grid = Mapping[str, Any] | Sequence[str]


@dataclass(frozen=True)
class Swept:
    """What a sweep came to.

    result  what was swept, the figures, how they were come by
    out     the folder that it was written to; None for none
    """

    result: SweepResult = field(repr=False)
    out: Path | None = None

    @cached_property
    def variants(self) -> pl.DataFrame:
        """A row a variant: number, a column a swept parameter, hits and the other figures
        (docs/sweeping.md).
        """
        return self.result.variants

    @cached_property
    def daily(self) -> pl.DataFrame:
        """A row a variant and session: number, session, return of the account.

        Empty without strategies.
        """
        trading = self.result.trading
        schema = {"number": pl.UInt32, "session": pl.Date, "return": pl.Float64}
        return pl.DataFrame(schema=schema) if trading is None else trading.daily()

    @property
    def ways(self) -> dict[str, str]:
        """How the variants of each scanner were judged, and why."""
        return self.result.ways

    def in_words(self) -> list[str]:
        """How much of the best variant luck alone would give, in plain language."""
        return [sentence for luck in self.result.luck for sentence in luck.sentences]

    @property
    def computed(self) -> int:
        """How many variants were judged.

        Of the others the figures were known from an earlier sweep in the same folder.
        """
        return self.result.computed

    @property
    def warnings(self) -> list[str]:
        """What is odd, in words; sessions that were skipped among it."""
        skipped = [f"session {day} was skipped: {why}" for day, why in self.result.skipped.items()]
        return [*skipped, *self.result.warnings]

    @property
    def seconds(self) -> float:
        """Wall time."""
        return self.result.seconds

    def show(self, number: int) -> SessionConfig:
        """The config of a variant: scanned and evaluated alone it gives the same figures."""
        return self.result.sweep.config(number).config

    def _repr_html_(self) -> str:
        facts = {
            "variants": len(self.result.sweep.variants),
            **{f"way of {name}": way for name, way in self.ways.items()},
            "time": f"{self.seconds:.2f} s",
        }
        return facts_html(facts, ("variants", self.variants.head(20)))


def sweep(
    *scanners: Scannable | Path,
    archive: str | Path | OpenMarket | None = None,
    grid: Grid | None = None,
    where: str | Sequence[str] = (),
    random: int | None = None,
    sobol: int | None = None,
    seed: int | None = None,
    first_hit: bool = False,
    horizons: Sequence[str] | None = None,
    out: str | Path | None = None,
    on_progress: Progress | None = None,
    spell: Spell = str,
    **options: Any,
) -> Swept:
    """Judge variants of a session config, of scanners, or of expressions, in one pass.

    scanners  a config, as a file, a dict or a model; or scanners and expressions, as `scan` takes
              them
    grid      parameter -> values, as a sequence or a text: {"min_change": "0.01:0.10:0.005",
              "min_rsi": [50, 60]}; or texts
              "min_rsi=50,60". A name in braces stands for its value in expressions: "close >
              sma_{bars}_1d"
    where     an expression, or several: each is a variant
    random    so many variants drawn by chance, with `seed`, in place of every combination; of an
              axis "0.01:0.10", any value between
    sobol     so many variants that fill the grid evenly
    first_hit  judge the first hit of each symbol and session alone
    horizons  of forward returns: some of m5, m15, m30, m60, close, next_open, next_close, day5,
              mfe, mae; all where left out
    out       a folder for variants.parquet, manifest.json, sweep.html and, with strategies,
              daily_returns.parquet
    options   as of `scan` (ScanOptions), of scanners and expressions
    """
    swept, bars = sweep_of(
        scanners,
        archive,
        SweepAsked(grid, where, random, sobol, seed, first_hit, horizons),
        options,
        spell,
    )
    with telling(on_progress) as progress:
        if out is None:
            return Swept(run_sweep(swept, bars, progress))
        folder, digest = Path(out), store.digest_of(swept, bars)
        keeps = not swept.template.made  # a class of a notebook may be another one next time
        checkpoints = Checkpoints(folder if keeps else None, digest)
        known = store.known_of(folder, digest) if keeps else None
        result = run_sweep(swept, bars, progress, checkpoints, known)
    store.write(result, bars, folder)
    checkpoints.clear()
    return Swept(result, folder)


@dataclass(frozen=True)
class SweepAsked:
    """How variants are chosen and judged, as `sweep` takes it."""

    grid: Grid | None = None
    where: str | Sequence[str] = ()
    random: int | None = None
    sobol: int | None = None
    seed: int | None = None
    first_hit: bool = False
    horizons: Sequence[str] | None = None


def sweep_of(
    scanners: Sequence[Any],
    archive: str | Path | OpenMarket | None,
    asked: SweepAsked,
    options: Mapping[str, Any],
    spell: Spell,
) -> tuple[Sweep, Archive]:
    """What is swept, and over which archive; arguments are those of `sweep`."""
    chosen = _chosen_by(
        random=asked.random,
        sobol=asked.sobol,
        seed=asked.seed or 0,
        first_hit=asked.first_hit,
        horizons=None if asked.horizons is None else list(asked.horizons),
    )
    texts = [asked.where] if isinstance(asked.where, str) else list(asked.where)
    if any(map(_is_config, scanners)):
        if len(scanners) > 1 or texts or options:
            raise ConfigError(
                "a config beside scanners or their options",
                expected="one of them",
                fix="say it in the config",
            )
        loaded, bars = _configured(scanners[0], archive, spell)
        axes = axes_of(_grid(asked.grid, loaded), spell)
        chosen = _chosen(chosen, loaded.config.sweep)
    else:
        if archive is None:
            raise ConfigError("no archive", expected=f"{spell('archive')} FOLDER")
        bars = open_market(archive).archive
        modules = [one for one in scanners if not _is_expression(one)]
        texts = [*(str(one) for one in scanners if _is_expression(one)), *texts]
        axes = axes_of(asked.grid or {}, spell)
        loaded = _scanners(bars, modules, texts, axes, cast(ScanOptions, options), spell)
        axes = (Axis(WHERE, tuple(texts)), *axes) if len(texts) > 1 else axes
    swept = Sweep.of(
        loaded,
        axes,
        random=chosen.random,
        sobol=chosen.sobol,
        seed=chosen.seed,
        asked=Asked(chosen.first_hit, tuple(chosen.horizons or HORIZONS)),
        where=texts,
    )
    return swept, bars


def variant_config(run: str | Path, number: int) -> SessionConfig:
    """The config of a variant of a sweep that was written to a folder."""
    return store.config_of(Path(run), number).config


def _is_config(source: Any) -> bool:
    return isinstance(source, Mapping | SessionConfig | Path) or (
        isinstance(source, str) and is_run_or_config(source)
    )


def _is_expression(one: Any) -> bool:
    return isinstance(one, str) and not MODULE.fullmatch(one.strip())


def _configured(
    source: Any, archive: str | Path | OpenMarket | None, spell: Spell
) -> tuple[LoadedConfig, Archive]:
    place = folder_of(archive)
    if isinstance(source, str | Path):
        return loaded_from(Path(source), place, DEFAULT_ARCHIVE, spell)
    loaded = config_of(source)
    return loaded, open_market(place or loaded.config.archive or DEFAULT_ARCHIVE).archive


def _grid(grid: Grid | None, loaded: LoadedConfig) -> Grid:
    """The grid that is given, else the config's."""
    if grid:
        return grid
    return loaded.config.sweep.grid if loaded.config.sweep else {}


def _chosen_by(**given: Any) -> SweepConfig:
    try:
        return SweepConfig(**given)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "sweep"
        raise ConfigError(problem["msg"].removeprefix("Value error, "), where=where) from None


def _chosen(given: SweepConfig, block: SweepConfig | None) -> SweepConfig:
    """How variants are chosen: as given, else as the config says."""
    if block is None:
        return given
    drawn = given if given.random or given.sobol else block
    return SweepConfig(
        random=drawn.random,
        sobol=drawn.sobol,
        seed=given.seed or block.seed,
        first_hit=given.first_hit or block.first_hit,
        horizons=given.horizons or block.horizons,
    )


def _scanners(
    archive: Archive,
    scanners: Sequence[Any],
    texts: Sequence[str],
    axes: Sequence[Axis],
    options: ScanOptions,
    spell: Spell,
) -> LoadedConfig:
    """The config of scanners and expressions, with the first value of each axis in its place."""
    if not texts:
        return scan_config(archive, scanners, options, spell)
    values = {
        axis.name: text_of(axis.values[0] if axis.values else axis.span[0] if axis.span else "")
        for axis in axes
    }
    first = with_texts(texts[0], values)
    for text in texts[1:]:
        scan_config(archive, scanners, {**options, "where": with_texts(text, values)}, spell)
    return scan_config(archive, scanners, {**options, "where": first}, spell)
