"""Audits the warm-up: replays with longer warm-ups, and compares indicators and hits.

Each warm-up block is seeded from a number of sessions before it, derived from the indicators. The
audit replays random sessions of the run's last block with 1.5 and 2 times as many. An indicator
whose values change, or that has values only then, was seeded from too few sessions. The last block
is used because most sessions lie before it.
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
SETTLED = 1e-9  # relative to a symbol's largest value: what of a seed may remain
KEYS = ("session", "tick", "scanner", "symbol")


@dataclass(frozen=True)
class Movement:
    """How an indicator's values in a session change with a longer warm-up.

    sessions  length of the derived warm-up; None for an indicator added during the run
    there     the archive's sessions before the block; with fewer than `sessions` no warm-up is
              longer
    values    number of values with the usual warm-up
    moved     number of values that change
    change    the largest change, relative to the symbol's largest value in the session; 0.0 for
              none
    appeared  number of values that exist with only one of the two warm-ups
    symbol, time  where the largest change is; None where no value changes
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
    """The result of an audit.

    movements  one per indicator, session and factor
    hits       (session, factor, number of hits, number of hits that differ)
    """

    movements: list[Movement] = field(default_factory=list)
    hits: list[tuple[dt.date, float, int, int]] = field(default_factory=list)

    @property
    def moving(self) -> list[Movement]:
        """Indicators whose values change by more than SETTLED."""
        return [one for one in self.movements if one.change > SETTLED]

    @property
    def settled(self) -> list[Movement]:
        """Indicators whose values change, by SETTLED at most: rests of the seed and rounding."""
        return [one for one in self.movements if one.moved and one.change <= SETTLED]

    @property
    def appearing(self) -> list[Movement]:
        """Indicators with values that exist with only one of the two warm-ups."""
        return [one for one in self.movements if one.appeared]

    @property
    def cut_short(self) -> list[Movement]:
        """Indicators whose warm-up is cut short because the archive begins too late."""
        return [
            one
            for one in self.movements
            if one.sessions is not None and one.there < one.factor * one.sessions
        ]


def audit_warm_up(
    loaded: LoadedConfig, archive: Archive, options: AuditOptions, progress: Progress
) -> WarmUpAudit:
    """Replay random sessions with longer warm-ups; raises BarsweepError where that fails."""
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
    """How each indicator's values differ between the usual and the longer warm-up."""
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
    """float64 [symbols]: each symbol's largest absolute value; 1 where all are 0 or NaN."""
    largest: np.ndarray = np.max(np.abs(np.nan_to_num(values)), axis=0, initial=0.0)
    return np.where(largest > 0.0, largest, 1.0)


def _before(dates: Sequence[dt.date], date: dt.date, by_year: bool) -> int:
    """The number of `dates` before the warm-up block (month, or year) of `date`."""
    first = date.replace(month=1, day=1) if by_year else date.replace(day=1)
    return sum(day < first for day in dates)


def _other_hits(usual: AuditedSession, longer: AuditedSession) -> int:
    """The number of hits that only one of the two replays has."""
    date = usual.cross.session.date
    a, b = (
        replayed.tables["hits"].filter(pl.col("session") == date).select(KEYS)
        for replayed in (usual, longer)
    )
    return len(a.join(b, on=KEYS, how="anti")) + len(b.join(a, on=KEYS, how="anti"))
