"""A sweep: what is swept, the figures of all variants, and what is written of them.

1. `Sweep.of`      axes and a config to a template, and the variants
2. `run_sweep`     scanner by scanner: the variants that differ in its parameters, judged the cheapest way
3. `SweepResult`   figures beside each variant's parameters; `store.write` puts them into a folder
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.errors import ConfigError
from engine.progress import Progress
from engine.sweep.axes import Axis
from engine.sweep.one_by_one import judge_one_by_one
from engine.sweep.template import Template, template_of
from engine.sweep.variants import Variants, drawn, grid_of, spread


@dataclass(frozen=True)
class Sweep:
    """What is swept.

    template   the config with places for parameters
    variants   which values each variant has
    first_hit  whether the first hit of each symbol and session alone is kept
    drawn      how variants were chosen: "grid", "random", "sobol"; `seed` of those that are drawn
    """

    template: Template
    variants: Variants
    first_hit: bool = False
    drawn: str = "grid"
    seed: int = 0

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
        where: Sequence[str] = (),
    ) -> Sweep:
        """All combinations of the axes' values, or so many of them; see `template_of`."""
        if random is not None and sobol is not None:
            raise ConfigError("random and sobol", expected="one of them")
        template = template_of(loaded, axes, where)
        if random is not None:
            return cls(template, drawn(axes, random, seed), first_hit, "random", seed)
        if sobol is not None:
            return cls(template, spread(axes, sobol, seed), first_hit, "sobol", seed)
        return cls(template, grid_of(axes), first_hit)

    def config(self, number: int) -> LoadedConfig:
        """The config of a variant: run alone it gives the figures of the variant."""
        return self.template.config(self.variants.values(number))

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
    ways     of each scanner how its variants were judged, and why
    """

    sweep: Sweep
    figures: pl.DataFrame = field(repr=False)
    ways: dict[str, str]
    seconds: float

    @property
    def variants(self) -> pl.DataFrame:
        """A row a variant: number, a column a swept parameter, the figures."""
        return pl.concat([self.sweep.variants.frame(), self.figures], how="horizontal")


def run_sweep(sweep: Sweep, archive: Archive, progress: Progress) -> SweepResult:
    """Judge all variants of a sweep over an archive."""
    clock, frames, ways = time.perf_counter(), [], {}
    scanners = sweep.scanners()
    for number, label in scanners:
        of_scanner, rows = _distinct(sweep, number)
        figures = pl.DataFrame(
            judge_one_by_one(
                sweep.template, number, of_scanner, archive, sweep.first_hit, progress
            ),
            infer_schema_length=None,
        )
        frame = figures[rows]
        frames.append(
            frame
            if len(scanners) == 1
            else frame.rename({name: f"{label}.{name}" for name in frame.columns})
        )
        ways[label] = "one by one"
    return SweepResult(
        sweep, pl.concat(frames, how="horizontal"), ways, time.perf_counter() - clock
    )


def _distinct(sweep: Sweep, scanner: int) -> tuple[list[dict[str, Any]], np.ndarray]:
    """The variants that differ in what a scanner reads, and which of them each variant of the sweep is."""
    names, variants = sweep.template.of_scanner(scanner), sweep.variants
    own = [place for place, axis in enumerate(variants.axes) if axis.name in names]
    if not own:
        return [variants.values(0)], np.zeros(len(variants), np.int64)
    _, first, rows = np.unique(
        variants.codes[:, own], axis=0, return_index=True, return_inverse=True
    )
    return [variants.values(int(number)) for number in first], rows.reshape(-1)
