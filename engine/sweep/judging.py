"""The figures of a sweep, scanner by scanner.

1. `_judge`        the variants that differ in what a scanner reads, grouped by what is not its own:
                   schedule, universe, dates
2. `_judge_group`  a group in one pass; a scanner of which nothing is known but that it scans,
                   variant by variant
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.panel.bars import Ints
from engine.progress import Progress
from engine.sweep.checkpoints import Checkpoints
from engine.sweep.declared import Builder, NotColumns
from engine.sweep.one_by_one import judge_one_by_one
from engine.sweep.one_pass import Group, judge_in_one_pass
from engine.sweep.side_by_side import AT_ONCE
from engine.sweep.sweep_spec import Sweep
from engine.sweep.variants import distinct_rows

LISTED = 100_000  # variants of no grid that are judged in one pass: sums of each are in memory


@dataclass
class Judging:
    """Judges the variants of a sweep.

    skipped   sessions that the archive is without, and why
    figures   a row a variant
    ways      of each scanner, how it was judged
    """

    sweep: Sweep
    archive: Archive
    checkpoints: Checkpoints
    progress: Progress
    skipped: Mapping[str, str]
    figures: pl.DataFrame = field(default_factory=pl.DataFrame)
    ways: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Judge every scanner."""
        frames, scanners = [], self.sweep.scanners()
        for number, label in scanners:
            figures = self._judge(number, label)
            if not figures["hits"].sum():
                self._warn(f"no variant of {label} finds anything")
            if len(scanners) > 1:
                figures = figures.rename({name: f"{label}.{name}" for name in figures.columns})
            frames.append(figures)
        self.figures = pl.concat(frames, how="horizontal")

    def _judge(self, scanner: int, label: str) -> pl.DataFrame:
        """The figures of a scanner for every variant of the sweep."""
        template, variants = self.sweep.template, self.sweep.variants
        names = template.of_scanner(scanner)
        axes = [place for place, axis in enumerate(variants.axes) if axis.name in names]
        numbers, rows = distinct_rows(variants, axes)
        outside = [
            place for place in axes if not template.within(variants.axes[place].name, scanner)
        ]
        inside = [place for place in axes if place not in outside]
        _, groups = distinct_rows(variants.some(numbers), outside)
        frames, places, ways = [], [], []
        for group in range(int(groups.max()) + 1):
            own = np.flatnonzero(groups == group)
            figures, way = self._judge_group(scanner, numbers[own], inside, outside)
            frames.append(figures)
            places.append(own)
            ways.append(way)
        found = frames[0]
        if len(frames) > 1:
            found = pl.concat(frames)[np.argsort(np.concatenate(places))]
        self.ways[label] = "; ".join(dict.fromkeys(ways))
        alike = len(rows) == len(numbers) and (np.diff(rows) == 1).all()
        return found if alike else found[rows]

    def _judge_group(
        self, scanner: int, numbers: Ints, inside: Sequence[int], outside: Sequence[int]
    ) -> tuple[pl.DataFrame, str]:
        """Variants that differ in parameters of the scanner alone, which are the axes inside."""
        template, variants = self.sweep.template, self.sweep.variants
        values = variants.values(int(numbers[0]))
        loaded = _alone(template.config(values), scanner)
        axes = tuple(variants.axes[place] for place in inside)
        group = Group(loaded, axes, variants.codes[numbers][:, inside]).compact()
        try:
            fixed = {n: values[n] for n in (variants.axes[place].name for place in outside)}
            builder = Builder(template, scanner, fixed)
            return self._in_one_pass(builder, group, scanner)
        except NotColumns as why:
            rows = [variants.values(int(number)) for number in numbers]
            figures = judge_one_by_one(
                template,
                scanner,
                rows,
                self.archive,
                self.sweep.asked,
                self.checkpoints,
                self.progress,
            )
            return figures, f"one scan a variant, {AT_ONCE} side by side in a pass: {why}"

    def _in_one_pass(
        self, builder: Builder, group: Group, scanner: int
    ) -> tuple[pl.DataFrame, str]:
        """A group in one pass; in several where there are too many variants that are no grid."""
        frames, way = [], ""
        for part in group.parts(LISTED):
            checkpoint = self.checkpoints.of(
                scanner,
                part.loaded.digest,
                [[axis.name, *axis.values] for axis in part.axes],
                hashlib.sha256(part.codes.tobytes()).hexdigest(),
                sorted(self.skipped),
            )
            judged = judge_in_one_pass(
                builder,
                part,
                self.archive,
                self.sweep.asked,
                checkpoint,
                lambda done, total: self.progress("sessions", done, total),
            )
            frames.append(judged.sums.figures(judged.sessions))
            way = judged.way
            for warning in judged.warnings:
                self._warn(warning)
        return frames[0] if len(frames) == 1 else pl.concat(frames), way

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _alone(loaded: LoadedConfig, scanner: int) -> LoadedConfig:
    """The config with one of its scanners, and nothing that trades."""
    data = loaded.config.session_data_config
    alone = data.model_copy(update={"scanners": [data.scanners[scanner]]})
    return loaded.changed(session_data_config=alone, strategies=[])
