"""Variants of a sweep, judged session by session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from engine.analysis.forward_returns import Forward
from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.errors import ConfigError, RunError
from engine.optimize.dates import between
from engine.optimize.objective import Objective
from engine.panel.bars import Floats, Ints
from engine.panel.symbol_table import SymbolTable
from engine.progress import Progress, silent
from engine.runs.batch_scan import scan_archive
from engine.sweep.side_by_side import AT_ONCE, side_by_side
from engine.sweep.sweep_spec import Sweep


@dataclass
class ScannerJudge:
    """Judges variants of a config's one scanner by what their hits did next.

    Each variant's hits are those that `barsweep scan` finds of it alone: they do not depend on
    where a scan begins.
    """

    sweep: Sweep
    archive: Archive
    objective: Objective
    progress: Progress = silent

    def __post_init__(self) -> None:
        scanners = self.sweep.scanners()
        if len(scanners) != 1:
            raise ConfigError(
                f"{len(scanners)} scanners",
                where="optimize",
                expected="one that is enabled: an objective is of one scanner",
            )
        self._place = scanners[0][0]

    def judge(self, numbers: Sequence[int], dates: Sequence[dt.date]) -> dict[str, Floats]:
        """Name -> sums of variants in consecutive sessions, float64 [sessions, variants]."""
        shape = len(dates), len(numbers)
        made = {name: np.zeros(shape) for name in ("hits", "count", "total", "wins")}
        for first in range(0, len(numbers), AT_ONCE):
            some = numbers[first : first + AT_ONCE]
            configs = (between(self.sweep.config(number), dates) for number in some)
            for loaded, places in side_by_side(configs, self._place):
                hits = self._hits(loaded)
                self._add_up(hits, [first + place for place in places], dates, made)
            self.progress("variants", min(first + AT_ONCE, len(numbers)), len(numbers))
        with np.errstate(divide="ignore", invalid="ignore"):
            returns = np.where(made["count"] > 0, made["total"] / made["count"], 0.0)
        return made | {"returns": returns}

    def hits(self, number: int, dates: Sequence[dt.date]) -> pl.DataFrame:
        """A variant's hits in sessions that follow each other."""
        return self._hits(between(self.sweep.config(number), dates))

    def _hits(self, loaded: LoadedConfig) -> pl.DataFrame:
        scan = scan_archive(loaded, self.archive, None, self.sweep.first_hit, silent, keep=True)
        if scan.failures:
            raise RunError(
                f"{scan.failures} scans failed",
                where="optimize",
                fix="scan a variant alone to see why (barsweep sweep --show)",
            )
        assert scan.hits is not None
        return scan.hits

    def _add_up(
        self,
        hits: pl.DataFrame,
        columns: Sequence[int],
        dates: Sequence[dt.date],
        made: dict[str, Floats],
    ) -> None:
        """Add hits of scanners called 0, 1, ... to the sums of the variants in `columns`."""
        symbols, forward = SymbolTable(self.archive.symbols()), Forward(self.archive)
        place = {date: row for row, date in enumerate(dates)}
        for (date,), own in hits.partition_by("session", as_dict=True).items():
            assert isinstance(date, dt.date)
            values = self._forward(own, date, symbols, forward)
            who = own["scanner"].cast(pl.Int64).to_numpy()
            known = ~np.isnan(values)
            for name, weights in (
                ("hits", np.ones(len(own))),
                ("count", known.astype(np.float64)),
                ("total", np.where(known, values, 0.0)),
                ("wins", (known & (values > 0.0)).astype(np.float64)),
            ):
                made[name][place[date], columns] += np.bincount(who, weights, len(columns))

    def _forward(
        self, hits: pl.DataFrame, date: dt.date, symbols: SymbolTable, forward: Forward
    ) -> Floats:
        """The return of each hit at the objective's horizon, or its excess.

        NaN where there is none.
        """
        times = hits["tick"].dt.epoch("us").to_numpy()
        ticks = np.unique(times)
        if not set(hits["symbol"]) <= set(symbols.names):
            symbols = SymbolTable([*symbols.names, *hits["symbol"]])
        of_all = forward.outcomes(date, ticks, symbols).returns[self.objective.horizon]
        at, who = np.searchsorted(ticks, times), symbols.ids(hits["symbol"])
        own: Floats = of_all[at, who]
        if not self.objective.of_excess:
            return own
        variant = hits["scanner"].cast(pl.Int64).to_numpy()
        excess: Floats = own - _others(of_all, at, own, variant)[variant, at]
        return excess


def _others(of_all: Floats, at: Ints, own: Floats, variant: Ints) -> Floats:
    """Mean return of the symbols that a variant did not find at a tick, float64[variants, ticks].

    NaN without one.
    """
    variants, ticks = int(variant.max(initial=-1)) + 1, len(of_all)
    known = ~np.isnan(own)
    cells, size = variant * ticks + at, variants * ticks
    found = np.bincount(cells, known, size).reshape(variants, ticks)
    total = np.bincount(cells, np.where(known, own, 0.0), size).reshape(variants, ticks)
    there = ~np.isnan(of_all)
    count = there.sum(axis=1) - found
    rest = np.where(there, of_all, 0.0).sum(axis=1) - total
    return np.where(count > 0, rest / np.maximum(count, 1), np.nan)
