"""Daily bars of a block of sessions, and the panel of a session batch over them.

`DailyBars` holds the bars of a block, with earlier ones for the warm-up. `DailyPanel` presents some
sessions of the block as `SessionPanel` presents one session of minute bars.
"""

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
    """int64 [days]: the index of the latest session on or before each calendar day.

    The days are those from the first session's date to the last session's.
    """
    days = np.array([day_number(session.date) for session in sessions])
    return np.searchsorted(days, np.arange(days[0], days[-1] + 1), side="right") - 1


def _numbers(dates: Ints, sessions: Sequence[Session]) -> Ints:
    """The index in `sessions` of each date (int64, days since 1970-01-01).

    For a date that is no session of `sessions`, the index of some session; callers ignore it.
    """
    by_day = _numbers_by_day(sessions)
    numbers: Ints = by_day[np.clip(dates - day_number(sessions[0].date), 0, len(by_day) - 1)]
    return numbers


class DailyBars:
    """Daily bars of a table's symbols, by symbol and date, split-adjusted to one session.

    starts, ends  int64 [symbols]: each symbol's slice
    dates         int64 [bars], days since 1970-01-01
    columns       name -> float64 [bars]; `rescale` writes into them
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
        """The bars before a date: the same arrays, shorter slices."""
        picked = copy(self)
        picked.starts, picked.ends = self.span(EPOCH, date)
        picked._at_hand = None
        return picked

    def scaled_from(self, date: dt.date, factors: Floats) -> DailyBars:
        """A copy in which all columns of the bars from `date` on are multiplied by `factors`.

        The factors are repeated over these bars as often as needed. Audits use such a copy as
        another future.
        """
        rows = np.flatnonzero(self.dates >= day_number(date))
        columns = {name: values.copy() for name, values in self.columns.items()}
        for values in columns.values():
            values[rows] *= np.resize(factors, len(rows))
        return DailyBars(self.table, self.starts, self.ends, self.dates, columns)

    def span(self, start: dt.date, end: dt.date) -> tuple[Ints, Ints]:
        """Starts and ends, int64 [symbols], of each symbol's rows with start <= date < end."""
        starts, ends = np.empty_like(self.starts), np.empty_like(self.ends)
        span_rows(
            self.starts, self.ends, self.dates, day_number(start), day_number(end), starts, ends
        )
        return starts, ends

    def of(self, sessions: tuple[Session, ...], buffers: Buffers) -> Bars:
        """The bars of consecutive sessions; each is visible from its session's close on.

        The same object is returned while sessions and buffers stay the same. The arrays live as
        long as `buffers`.
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
            timestamp = {"timestamp": lambda: opens[_numbers(dates, sessions)].astype(np.float64)}
            self._at_hand = sessions, buffers, replace(bars, more={**bars.more, **timestamp})
        return self._at_hand[2]

    def numbers(self, sessions: tuple[Session, ...], rows: Ints) -> Ints:
        """The index in `sessions` of the session of each bar in `rows`, see `_numbers`."""
        return _numbers(self.dates[rows], sessions)

    def before(self, sessions: Sequence[Session], ids: Ints | None = None) -> Ints:
        """int64 [symbols, sessions]: the row of each symbol's last bar before each session, or -1.

        ids  the symbols, int64; all symbols of the table where None
        """
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
        """int64 [symbols]: the row at which each symbol's warm-up begins.

        The first row from the date `start` on, or earlier so that `rows` rows lie before the date
        `block`.
        """
        from_date, (firsts, ends) = self.span(start, block)[0], self.span(EPOCH, block)
        return np.minimum(from_date, np.maximum(firsts, ends - rows))

    def history(self, begins: Ints, end: dt.date) -> Bars:
        """The bars from the row begins[symbol] up to (without) the date `end`, for warm-ups.

        All are visible at any time, since they lie before the block's sessions.
        """
        return self._bars(
            begins,
            self.span(EPOCH, end)[1],
            np.broadcast_to(np.iinfo(np.int64).min // 2, len(self.dates)),
        )

    def rescale(self, symbol: int, ratio: float, before: dt.date) -> None:
        """Apply a split of `ratio` to a symbol's bars before its ex-date `before`, in place."""
        _, ends = self.span(EPOCH, before)
        for name, values in self.columns.items():
            rescale(name, values, slice(self.starts[symbol], ends[symbol]), ratio)

    def _bars(self, starts: Ints, ends: Ints, known_at: Ints) -> Bars:
        dates = (
            self.dates
        )  # functions below hold the array, not `self`, so that `self` is freed early
        more = {
            "session": lambda: (dates + EPOCH.toordinal()).astype(np.float64),
            "minute": lambda: np.zeros(len(dates)),  # a daily bar is that of regular hours
            "regular": lambda: np.ones(len(dates)),
        }
        return Bars(starts, ends, known_at, 0, self.columns, more, dates, (self.starts, self.ends))


class DailyPanel:
    """The panel of a batch of daily sessions: one bar per symbol and session.

    A bar is known at the close. The class has the methods of `SessionPanel` that the replay calls.
    The bars are those of the block given to `of_block`.
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
        """The same sessions over the bars of a block."""
        return DailyPanel(self.sessions, daily.table, daily, self.buffers)

    def of_session(self, number: int) -> DailyPanel:
        """The panel of the session with this index in `sessions`."""
        if self._present is None:
            self._present = self._presence()
        panel = DailyPanel((self.sessions[number],), self.table, self._daily, self.buffers)
        panel._present = self._present[number : number + 1]
        return panel

    def realign(self, table: SymbolTable) -> DailyPanel:
        """The same sessions for the symbols of another table."""
        return DailyPanel(self.sessions, table, self._bars.realign(table), self.buffers)

    def only(self, ids: Ints) -> DailyPanel:
        """This panel, without a copy: the block keeps the bars in memory anyway."""
        return self

    def over(self, buffers: Buffers) -> DailyPanel:
        """The same sessions; arrays computed from their bars live as long as `buffers`."""
        return DailyPanel(self.sessions, self.table, self._daily, buffers)

    def close(self) -> None:
        """Free the arrays that were computed from the bars."""
        self.buffers.close()

    def rescale(self, symbol: int, ratio: float) -> None:
        """Do nothing: `DailyBars.rescale` rescales the bars of the whole block."""

    @property
    def visible(self) -> Bars:
        """The bars of the panel's sessions."""
        return self._bars.of(self.sessions, self.buffers)

    regular = visible

    def bars(self, interval: Interval) -> Bars:
        """The bars of the panel's sessions; the only interval is `1d`."""
        return self.visible

    def opens_of(self, ticks: Ints) -> Ints:
        """int64 [ticks]: the open of each tick's session, microseconds UTC."""
        opens: Ints = np.array([session.open for session in self.sessions])
        of_tick: Ints = opens[np.searchsorted(opens, ticks, side="right") - 1]
        return of_tick

    def present(self) -> Ints:
        """int64 [symbols]: the number of bars of each symbol in the panel's sessions."""
        if self._present is not None:
            counts: Ints = self._present.sum(axis=0, dtype=np.int64)
            return counts
        return self.visible.ends - self.visible.starts

    def coverage(self) -> Coverage:
        """Coverage of a panel of one session: each symbol has its one bar, or none."""
        result, session = Coverage.empty(len(self.table), 1), self.session
        result.present[:] = self.present()
        has_bar = result.present > 0
        result.first[:] = result.last[:] = np.where(has_bar, session.open, NEVER)
        whole = session.without_break(session.open, session.close)
        result.longest[:] = np.where(has_bar, 0, whole)
        return result

    def _presence(self) -> NDArray[np.bool_]:
        """bool [sessions, symbols]: whether the symbol has a bar in the session."""
        bars, present = self.visible, np.zeros((len(self.sessions), len(self.table)), np.bool_)
        first_day, by_day = day_number(self.session.date), _numbers_by_day(self.sessions)
        mark_rows(bars.starts, bars.ends, self._bars.dates, first_day, by_day, present)
        return present

    @property
    def _bars(self) -> DailyBars:
        assert self._daily is not None, "sessions of no block have no bars"
        return self._daily
