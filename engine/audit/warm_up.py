"""Audits the warm-up: replays with longer ones, and what of the indicators and hits still moves.

Every block of sessions is seeded from a number of sessions before it that is derived from the indicators. An indicator whose values
are others with half as many more, or twice as many, has been seeded from too few; so has one that has a value only then. Sessions
are drawn from the run's last block, which has the most before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.audit.audited_session import AuditedSession
from engine.audit.look_ahead import AuditOptions, drawn_sessions, window_of
from engine.config.load import LoadedConfig
from engine.features.feature_node import DAILY
from engine.features.warm_up_block import block_of
from engine.progress import Progress
from engine.scan.columns import COLUMNS
from engine.session.coordinator import SessionCoordinator

FACTORS = (1.5, 2.0)
SETTLED = 1e-9  # of a symbol's largest value: what a seed may still weigh
KEYS = ("session", "tick", "scanner", "symbol")


@dataclass(frozen=True)
class Movement:
    """What a longer warm-up does to an indicator in a session.

    sessions  of its warm-up as it is derived; None where it was asked for on the way
    there     sessions of the archive before the block, at most: with fewer than the warm-up nothing can be longer
    moved     values that are others, of `values`
    change    the largest, relative to the symbol's largest value of the session; 0.0 where none moved
    appeared  values that are there only with the longer warm-up, or only without
    symbol, time  where the largest change is, None where none moved
    """

    session: dt.date
    indicator: str
    factor: float
    sessions: int | None
    there: int
    values: int
    moved: int
    change: float
    appeared: int
    symbol: str | None
    time: dt.datetime | None


@dataclass
class WarmUpAudit:
    """movements  every indicator in every session with every factor
    hits       session, factor, how many hits there are, and how many are others
    """

    movements: list[Movement] = field(default_factory=list)
    hits: list[tuple[dt.date, float, int, int]] = field(default_factory=list)

    @property
    def moving(self) -> list[Movement]:
        """Those of which values move by more than SETTLED."""
        return [one for one in self.movements if one.change > SETTLED]

    @property
    def settled(self) -> list[Movement]:
        """Those of which values move by SETTLED at most: what is left of the seed, and rounding."""
        return [one for one in self.movements if one.moved and one.change <= SETTLED]

    @property
    def appearing(self) -> list[Movement]:
        """Those of which values are there only with one of the two warm-ups."""
        return [one for one in self.movements if one.appeared]

    @property
    def cut_short(self) -> list[Movement]:
        """Those for which the archive begins too late: their warm-up is not as long as it should be, and cannot be longer."""
        return [
            one
            for one in self.movements
            if one.sessions is not None and one.there < one.factor * one.sessions
        ]


def audit_warm_up(
    loaded: LoadedConfig, archive: Archive, options: AuditOptions, progress: Progress
) -> WarmUpAudit:
    """Replay random sessions with longer warm-ups; raises BarsweepError where the config cannot be replayed."""
    scope = SessionCoordinator(loaded, archive).scope
    block = block_of(scope.dates[-1], scope.base.is_daily)
    dates = drawn_sessions(
        [date for date in scope.dates if block_of(date, scope.base.is_daily) == block], options
    )
    audit = WarmUpAudit()
    for number, date in enumerate(dates):
        window = window_of(loaded, [date], [date], date, 0, 0)
        with AuditedSession(window, archive, date) as usual:
            for at, factor in enumerate(FACTORS):
                with AuditedSession(window, archive, date, factor) as longer:
                    audit.movements += _movements(usual, longer, factor)
                    audit.hits.append(
                        (date, factor, len(usual.tables["hits"]), _other_hits(usual, longer))
                    )
                progress("warm-ups", number * len(FACTORS) + at + 1, len(dates) * len(FACTORS))
    return audit


def _movements(usual: AuditedSession, longer: AuditedSession, factor: float) -> Iterator[Movement]:
    date, nodes = (
        usual.cross.session.date,
        {name: node for node in usual.coordinator.needs.nodes for name in node.outputs},
    )
    base = usual.coordinator.scope.base
    before = {
        rows: _before(usual.archive.sessions(name), date, base.is_daily)
        for rows, name in ((DAILY, "1d"), ("", base.name))
    }
    for name in usual.cross.names:
        if name in COLUMNS:
            continue
        a, b = usual.cross.values(name), longer.cross.values(name)
        node = nodes.get(name)
        appeared = np.isnan(a) != np.isnan(b)
        moved = ~np.isnan(a) & ~np.isnan(b) & (a != b)
        change = np.where(moved, np.abs(b - a), 0.0) / _scale(a)
        tick, symbol = (
            (int(i) for i in np.unravel_index(np.argmax(change), change.shape))
            if change.size
            else (0, 0)
        )
        shown = bool(moved.any())
        yield Movement(
            date,
            name,
            factor,
            node.warmup_sessions if node else None,
            before[DAILY if node and node.rows == DAILY else ""],
            int(np.count_nonzero(~np.isnan(a))),
            int(np.count_nonzero(moved)),
            float(change[tick, symbol]) if shown else 0.0,
            int(np.count_nonzero(appeared)),
            usual.cross.table.names[symbol] if shown else None,
            dt.datetime.fromtimestamp(int(usual.cross.ticks[tick]) / 1e6, usual.archive.calendar.tz)
            if shown
            else None,
        )


def _scale(values: np.ndarray) -> np.ndarray:
    """float64[symbols]: each symbol's largest absolute value, 1 where it has none but 0."""
    largest: np.ndarray = np.max(np.abs(np.nan_to_num(values)), axis=0, initial=0.0)
    return np.where(largest > 0.0, largest, 1.0)


def _before(dates: Sequence[dt.date], date: dt.date, by_year: bool) -> int:
    """Sessions before the block that a date is computed with."""
    first = date.replace(month=1, day=1) if by_year else date.replace(day=1)
    return sum(day < first for day in dates)


def _other_hits(usual: AuditedSession, longer: AuditedSession) -> int:
    """Hits of one of the two alone."""
    date = usual.cross.session.date
    a, b = (
        replayed.tables["hits"].filter(pl.col("session") == date).select(KEYS)
        for replayed in (usual, longer)
    )
    return len(a.join(b, on=KEYS, how="anti")) + len(b.join(a, on=KEYS, how="anti"))
