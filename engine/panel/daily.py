"""Daily bars of a block of sessions: the previous session's values, and the rows that daily indicators walk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from copy import copy
from dataclasses import replace

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.kernels.span_rows import span_rows
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.session_panel import rescale
from engine.panel.symbol_table import SymbolTable

EPOCH = dt.date(1970, 1, 1)
DAY = Interval.parse("1d")


def day_number(date: dt.date) -> int:
    """Days since 1970-01-01, as Polars stores a date."""
    return (date - EPOCH).days


class DailyBars:
    """Daily bars for the symbols of a table, sorted by symbol and date, in the scale of the session at hand."""

    def __init__(self, table: SymbolTable, frame: pl.DataFrame, columns: Sequence[str]):
        ids = table.ids(frame["symbol"])
        frame = frame.filter(pl.Series(ids >= 0)) if (ids < 0).any() else frame
        ids = ids[ids >= 0]
        self.table = table
        self.dates: Ints = frame["date"].to_physical().cast(pl.Int64).to_numpy()
        self.columns: dict[str, Floats] = {name: _floats(frame[name]) for name in columns}
        everyone = np.arange(len(table))
        self.starts: Ints = np.searchsorted(ids, everyone)
        self.ends: Ints = np.searchsorted(ids, everyone, side="right")
        self._at_hand: tuple[dt.date, Bars] | None = None

    def realign(self, table: SymbolTable) -> DailyBars:
        """The same bars for the symbols of a table, all of which are in this one's."""
        picked, ids = copy(self), self.table.ids(table.series)
        picked.table, picked.starts, picked.ends, picked._at_hand = table, self.starts[ids], self.ends[ids], None
        return picked

    def span(self, start: dt.date, end: dt.date) -> tuple[Ints, Ints]:
        """Each symbol's rows with start <= date < end."""
        starts, ends = np.empty_like(self.starts), np.empty_like(self.ends)
        span_rows(self.starts, self.ends, self.dates, day_number(start), day_number(end), starts, ends)
        return starts, ends

    def rows_before(self, date: dt.date) -> Ints:
        """int64[symbols]: the last row before `date`, -1 where there is none."""
        _, ends = self.span(EPOCH, date)
        return np.where(ends > self.starts, ends - 1, -1)

    def session(self, session: Session) -> Bars:
        """The session's own daily bar of each symbol, known at its close; the same object until another session is asked for."""
        if self._at_hand is None or self._at_hand[0] != session.date:
            starts, ends = self.span(session.date, session.date + dt.timedelta(days=1))
            bars = self._bars(starts, ends, np.full(len(self.dates), session.close))
            more = {**bars.more, "timestamp": lambda: np.full(len(self.dates), float(session.open))}
            self._at_hand = session.date, replace(bars, more=more)
        return self._at_hand[1]

    def history(self, start: dt.date, end: dt.date) -> Bars:
        """All bars with start <= date < end, for walking; they are in the past, so known at any time."""
        return self._bars(*self.span(start, end), np.full(len(self.dates), np.iinfo(np.int64).min // 2))

    def rescale(self, symbol: int, ratio: float, before: dt.date) -> None:
        """Put a symbol's bars before a split's ex-date in the scale after it."""
        _, ends = self.span(EPOCH, before)
        for name, values in self.columns.items():
            rescale(name, values, slice(self.starts[symbol], ends[symbol]), ratio)

    def _bars(self, starts: Ints, ends: Ints, known_at: Ints) -> Bars:
        more = {
            "session": lambda: (self.dates + EPOCH.toordinal()).astype(np.float64),
            "minute": lambda: np.zeros(len(self.dates)),  # a daily bar is that of regular hours
            "regular": lambda: np.ones(len(self.dates)),
        }
        return Bars(starts, ends, known_at, 0, self.columns, more, self.dates)


class DailyPanel:
    """One session of an archive of daily bars: each symbol's one bar, known at the close.

    As `SessionPanel`, for what replays sessions. Its bars are those of the block it is given to, in the scale that these are in.
    """

    def __init__(self, session: Session, table: SymbolTable, daily: DailyBars | None = None):
        self.session, self.table, self.base, self._daily = session, table, DAY, daily

    def of_block(self, daily: DailyBars) -> DailyPanel:
        """The session over a block's bars."""
        return DailyPanel(self.session, daily.table, daily)

    def realign(self, table: SymbolTable) -> DailyPanel:
        """The session for the symbols of another table."""
        assert self._daily is not None, "a session of no block has no bars"
        return DailyPanel(self.session, table, self._daily.realign(table))

    def only(self, ids: Ints) -> DailyPanel:
        """Itself: the block keeps the bars."""
        return self

    def rescale(self, symbol: int, ratio: float) -> None:
        """Nothing: the block's bars are rescaled."""

    @property
    def visible(self) -> Bars:
        """The session's bars."""
        assert self._daily is not None, "a session of no block has no bars"
        return self._daily.session(self.session)

    regular = visible

    def bars(self, interval: Interval) -> Bars:
        """The session's bars, at the one interval there is."""
        return self.visible

    def present(self) -> Ints:
        """int64[symbols]: how many bars each symbol has, 1 or 0."""
        bars = self.visible
        return bars.ends - bars.starts


def _floats(column: pl.Series) -> Floats:
    """A copy of its own, times in microseconds."""
    return column.to_physical().cast(pl.Float64).to_numpy(writable=True)


class DailyHistory:
    """Reads daily bars block by block and remembers each symbol's last bar before them, however old."""

    def __init__(self, archive: Archive, columns: Sequence[str], symbols: Sequence[str]):
        self._archive, self._columns = archive, tuple(columns)
        self._symbols = pl.Series("symbol", symbols, dtype=pl.String)
        self._last: pl.DataFrame | None = None  # one row a symbol, all before self._frame
        self._frame: pl.DataFrame | None = None

    def block(self, table: SymbolTable, first: dt.date, last: dt.date) -> DailyBars:
        """Bars of first <= date <= last, and of each symbol the last one before `first`; blocks go forward in time."""
        if self._last is None or self._frame is None:
            self._last = self._search_back(first)
        else:
            earlier = pl.concat([self._last, self._frame.filter(pl.col("date") < first)])
            self._last = earlier.sort("symbol", "date").group_by("symbol", maintain_order=True).last()
        self._frame = self._archive.read_daily(self._columns, first, last + dt.timedelta(days=1))
        return DailyBars(table, pl.concat([self._last, self._frame]).sort("symbol", "date"), self._columns)

    def _search_back(self, before: dt.date) -> pl.DataFrame:
        """The last bar before a date of every symbol, a year at a time: most symbols are found in the first."""
        dates = [date for date in self._archive.sessions("1d") if date < before]
        found = self._archive.read_daily(self._columns, before, before)
        missing = self._symbols
        for year in sorted({date.year for date in dates}, reverse=True):
            start, end = dt.date(year, 1, 1), min(dt.date(year + 1, 1, 1), before)
            bars = self._archive.read_daily(self._columns, start, end).filter(pl.col("symbol").is_in(missing.implode()))
            found = pl.concat([found, bars.group_by("symbol", maintain_order=True).last().select(found.columns)])
            missing = missing.filter(~missing.is_in(found["symbol"].implode()))
            if missing.is_empty():
                break
        return found
