"""Daily bars of a block of sessions: the previous session's values, and the rows that daily indicators walk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from copy import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.compute.bar_coverage import NEVER
from engine.compute.day_rows import look_up_days, mark_rows
from engine.compute.latest_rows import latest_rows
from engine.compute.span_rows import span_rows
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.passes import run_over_symbols
from engine.panel.session_coverage import Coverage
from engine.panel.session_panel import rescale, slices_of
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import Buffers

EPOCH = dt.date(1970, 1, 1)
DAY = Interval.parse("1d")


def day_number(date: dt.date) -> int:
    """Days since 1970-01-01, as Polars stores a date."""
    return (date - EPOCH).days


def _numbers_by_day(sessions: Sequence[Session]) -> Ints:
    """The number of the session that each day from the first session's to the last's is of, or comes after."""
    days = np.array([day_number(session.date) for session in sessions])
    return np.searchsorted(days, np.arange(days[0], days[-1] + 1), side="right") - 1


def _numbers(dates: Ints, sessions: Sequence[Session]) -> Ints:
    """The number of the session that each date is of; of dates of other sessions, some number all the same."""
    by_day = _numbers_by_day(sessions)
    numbers: Ints = by_day[np.clip(dates - day_number(sessions[0].date), 0, len(by_day) - 1)]
    return numbers


class DailyBars:
    """Daily bars for the symbols of a table, sorted by symbol and date, in the scale of the session at hand.

    starts, ends  int64[symbols]: each symbol's slice
    dates         int64[bars], days since 1970-01-01
    columns       name -> float64[bars]; written to by `rescale`
    """

    def __init__(
        self, table: SymbolTable, starts: Ints, ends: Ints, dates: Ints, columns: dict[str, Floats]
    ):
        self.table, self.starts, self.ends, self.dates, self.columns = (
            table,
            starts,
            ends,
            dates,
            columns,
        )
        self._at_hand: tuple[tuple[Session, ...], Buffers, Bars] | None = None

    def realign(self, table: SymbolTable) -> DailyBars:
        """The same bars for the symbols of another table."""
        picked, ids = copy(self), self.table.ids(table.series)
        picked.starts, picked.ends = slices_of((self.starts, self.ends), ids)
        picked.table, picked._at_hand = table, None
        return picked

    def before_date(self, date: dt.date) -> DailyBars:
        """The bars of sessions before a date: the same arrays, other slices."""
        picked = copy(self)
        picked.starts, picked.ends = self.span(EPOCH, date)
        picked._at_hand = None
        return picked

    def scaled_from(self, date: dt.date, factors: Floats) -> DailyBars:
        """A copy of which the bars from a date on are others; `factors` are taken in turn."""
        rows = np.flatnonzero(self.dates >= day_number(date))
        columns = {name: values.copy() for name, values in self.columns.items()}
        for values in columns.values():
            values[rows] *= np.resize(factors, len(rows))
        return DailyBars(self.table, self.starts, self.ends, self.dates, columns)

    def span(self, start: dt.date, end: dt.date) -> tuple[Ints, Ints]:
        """Each symbol's rows with start <= date < end."""
        starts, ends = np.empty_like(self.starts), np.empty_like(self.ends)
        span_rows(
            self.starts, self.ends, self.dates, day_number(start), day_number(end), starts, ends
        )
        return starts, ends

    def of(self, sessions: tuple[Session, ...], buffers: Buffers) -> Bars:
        """The daily bars of consecutive sessions, known at their closes; the same object until others are asked for.

        They live as long as `buffers`.
        """
        if self._at_hand is None or self._at_hand[0] != sessions or self._at_hand[1] is not buffers:
            starts, ends = self.span(sessions[0].date, sessions[-1].date + dt.timedelta(days=1))
            opens, closes = (
                np.array(times)
                for times in zip(*((s.open, s.close) for s in sessions), strict=True)
            )
            dates, closes_on, known_at = (
                self.dates,
                closes[_numbers_by_day(sessions)],
                buffers.empty(len(self.dates), np.int64),
            )

            def look_up(first: int, last: int) -> None:
                look_up_days(
                    first,
                    last,
                    starts,
                    ends,
                    dates,
                    day_number(sessions[0].date),
                    closes_on,
                    known_at,
                )

            run_over_symbols(len(starts), [look_up])
            bars = self._bars(starts, ends, known_at)
            own = {"timestamp": lambda: opens[_numbers(dates, sessions)].astype(np.float64)}
            self._at_hand = sessions, buffers, replace(bars, more={**bars.more, **own})
        return self._at_hand[2]

    def numbers(self, sessions: tuple[Session, ...], rows: Ints) -> Ints:
        """Which of consecutive sessions some bars are of; for bars of other sessions, one of those all the same."""
        return _numbers(self.dates[rows], sessions)

    def before(self, sessions: Sequence[Session], ids: Ints | None = None) -> Ints:
        """int64[symbols, sessions]: the last row before each session, -1 where there is none; of all symbols, or of `ids`."""
        starts, ends = (side if ids is None else side[ids] for side in (self.starts, self.ends))
        rows = np.empty((len(starts), len(sessions)), np.int64)
        latest_rows(
            0,
            len(starts),
            starts,
            ends,
            self.dates,
            1,
            np.array([day_number(s.date) for s in sessions]),
            rows,
        )
        rows[rows < starts[:, None]] = -1
        return rows

    def begins(self, start: dt.date, block: dt.date, rows: int) -> Ints:
        """int64[symbols]: each symbol's first row of a warm-up: from a date on, and at least so many before a block's first."""
        from_date, (firsts, ends) = self.span(start, block)[0], self.span(EPOCH, block)
        return np.minimum(from_date, np.maximum(firsts, ends - rows))

    def history(self, begins: Ints, end: dt.date) -> Bars:
        """All bars from each symbol's row `begins` up to a date, for walking; they are in the past, so known at any time."""
        return self._bars(
            begins,
            self.span(EPOCH, end)[1],
            np.broadcast_to(np.iinfo(np.int64).min // 2, len(self.dates)),
        )

    def rescale(self, symbol: int, ratio: float, before: dt.date) -> None:
        """Put a symbol's bars before a split's ex-date in the scale after it."""
        _, ends = self.span(EPOCH, before)
        for name, values in self.columns.items():
            rescale(name, values, slice(self.starts[symbol], ends[symbol]), ratio)

    def _bars(self, starts: Ints, ends: Ints, known_at: Ints) -> Bars:
        dates = self.dates  # not itself, or it would be freed late
        more = {
            "session": lambda: (dates + EPOCH.toordinal()).astype(np.float64),
            "minute": lambda: np.zeros(len(dates)),  # a daily bar is that of regular hours
            "regular": lambda: np.ones(len(dates)),
        }
        return Bars(starts, ends, known_at, 0, self.columns, more, dates, (self.starts, self.ends))


class DailyPanel:
    """A stretch of sessions of an archive of daily bars: each symbol's one bar a session, known at the close.

    As `SessionPanel`, for what replays sessions. Its bars are those of the block it is given to, in the scale that these are in.
    """

    def __init__(
        self,
        sessions: tuple[Session, ...],
        table: SymbolTable,
        daily: DailyBars | None = None,
        buffers: Buffers | None = None,
    ):
        self.sessions, self.session, self.table, self.base, self._daily = (
            sessions,
            sessions[0],
            table,
            DAY,
            daily,
        )
        self.buffers = Buffers() if buffers is None else buffers
        self._present: NDArray[np.bool_] | None = None  # [sessions, symbols]

    def of_block(self, daily: DailyBars) -> DailyPanel:
        """The sessions over a block's bars."""
        return DailyPanel(self.sessions, daily.table, daily, self.buffers)

    def of_session(self, number: int) -> DailyPanel:
        """One of the sessions."""
        if self._present is None:
            self._present = self._presence()
        one = DailyPanel((self.sessions[number],), self.table, self._daily, self.buffers)
        one._present = self._present[number : number + 1]
        return one

    def realign(self, table: SymbolTable) -> DailyPanel:
        """The sessions for the symbols of another table."""
        return DailyPanel(self.sessions, table, self._bars.realign(table), self.buffers)

    def only(self, ids: Ints) -> DailyPanel:
        """Itself: the block keeps the bars."""
        return self

    def over(self, buffers: Buffers) -> DailyPanel:
        """The same sessions; what is computed from their bars lives as long as `buffers`."""
        return DailyPanel(self.sessions, self.table, self._daily, buffers)

    def close(self) -> None:
        """The sessions are over: let go of what was computed from them."""
        self.buffers.close()

    def rescale(self, symbol: int, ratio: float) -> None:
        """Nothing: the block's bars are rescaled."""

    @property
    def visible(self) -> Bars:
        """The sessions' bars."""
        return self._bars.of(self.sessions, self.buffers)

    regular = visible

    def bars(self, interval: Interval) -> Bars:
        """The sessions' bars, at the one interval there is."""
        return self.visible

    def opens_of(self, ticks: Ints) -> Ints:
        """int64[ticks]: the open of each tick's session, microseconds."""
        opens: Ints = np.array([session.open for session in self.sessions])
        of_tick: Ints = opens[np.searchsorted(opens, ticks, side="right") - 1]
        return of_tick

    def present(self) -> Ints:
        """int64[symbols]: how many bars of its sessions each symbol has."""
        if self._present is not None:
            counts: Ints = self._present.sum(axis=0, dtype=np.int64)
            return counts
        return self.visible.ends - self.visible.starts

    def coverage(self) -> Coverage:
        """How its session is covered, of which it has one: by the one bar, or not at all."""
        found, session = Coverage.empty(len(self.table), 1), self.session
        found.present[:] = self.present()
        there = found.present > 0
        found.first[:] = found.last[:] = np.where(there, session.open, NEVER)
        found.longest[:] = np.where(there, 0, session.without_break(session.open, session.close))
        return found

    def _presence(self) -> NDArray[np.bool_]:
        bars, found = self.visible, np.zeros((len(self.sessions), len(self.table)), np.bool_)
        first_day, by_day = day_number(self.session.date), _numbers_by_day(self.sessions)
        mark_rows(bars.starts, bars.ends, self._bars.dates, first_day, by_day, found)
        return found

    @property
    def _bars(self) -> DailyBars:
        assert self._daily is not None, "sessions of no block have no bars"
        return self._daily
