"""The cross-sections of one session: what is known of every symbol at every tick.

Columns are float64[ticks, symbols] arrays, NaN where there is no value. Frames are made from them on demand; in a
frame a missing value is null, because Polars takes NaN for larger than any number and `rsi > 70` must not hold for
an indicator that is not warm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
import polars as pl

from engine.clock.calendar import Session
from engine.clock.interval import MICROS_A_MINUTE
from engine.indicators.deferred import Deferred
from engine.panel.bars import Floats, Ints
from engine.panel.symbol_table import SymbolTable
from engine.scan.columns import COLUMNS
from engine.scan.ticks import Scheduled
from engine.schema import TIMESTAMP


class CrossSection:
    """All ticks of a session over the symbols of a table.

    ticks    int64[ticks], microseconds
    columns  name -> float64[ticks, symbols]; valid until the next session
    previous name of a daily column -> float64[symbols], the last session's before this one
    deferred further columns, computed for the symbols that are read
    lag      microseconds from a base bar's start until it is known
    """

    def __init__(
        self, session: Session, table: SymbolTable, ticks: Ints, columns: Mapping[str, Floats], lag: int,
        previous: Mapping[str, Floats], deferred: Deferred | None = None,
    ):  # fmt: skip
        self.session, self.table, self.ticks = session, table, ticks
        self._columns, self._previous, self._deferred = dict(columns), previous, deferred
        # one value for all ticks; in a stretch one a tick
        self._opens: Ints = np.array([session.open])
        self._closes: Ints = np.array([session.close])
        self._begins: Ints = np.array([session.extended_open])
        self._lags: Ints = np.array([lag])
        self._places: dict[Scheduled, Ints] = {}
        self._stretch: CrossSection | None = None
        self.first = 0
        self.sessions: tuple[Session, ...] = (session,)
        self.bounds: Ints = np.array([0, len(ticks)])  # where each session's ticks begin, and at last where they end

    @classmethod
    def of_stretch(
        cls, sessions: Sequence[Session], table: SymbolTable, ticks: Sequence[Ints], columns: Mapping[str, Floats],
        lags: Sequence[int], previous: Mapping[str, Floats], deferred: Deferred | None = None,
    ) -> CrossSection:  # fmt: skip
        """Several sessions in one, each with its ticks and lag; previous: name -> float64[sessions, symbols]."""
        lengths = [len(of_session) for of_session in ticks]
        whole = cls(sessions[0], table, np.concatenate(ticks), columns, 0, {}, deferred)
        whole._opens, whole._closes, whole._begins, whole._lags = (
            np.repeat(np.array(values, np.int64), lengths)
            for values in ([s.open for s in sessions], [s.close for s in sessions], [s.extended_open for s in sessions], lags)
        )
        whole._previous = {name: _at_each_tick(values, lengths) for name, values in previous.items()}
        whole.sessions, whole.bounds = tuple(sessions), np.concatenate([[0], np.cumsum(lengths)])
        return whole

    def of_session(self, session: Session, first: int, last: int, lag: int) -> CrossSection:
        """One session of the stretch, whose ticks are [first, last); `stretch` and `first` say where it is from."""
        columns = {name: values[first:last] for name, values in self._columns.items()}
        previous = {name: values[first] for name, values in self._previous.items()} if last > first else {}
        one = CrossSection(session, self.table, self.ticks[first:last], columns, lag, previous, self._deferred)
        one._stretch, one.first = self, first
        return one

    @property
    def stretch(self) -> CrossSection:
        """The sessions that were computed with this one; itself where it was alone."""
        return self._stretch or self

    @cached_property
    def session_of_tick(self) -> Ints:
        """int64[ticks]: which of the sessions each tick is in."""
        return np.repeat(np.arange(len(self.sessions)), np.diff(self.bounds))

    def places(self, scheduled: Scheduled) -> Ints:
        """Indices of the ticks that are scheduled in its sessions."""
        if scheduled not in self._places:
            ticks = np.concatenate([scheduled.ticks(session) for session in self.sessions])
            self._places[scheduled] = np.searchsorted(self.ticks, ticks)
        return self._places[scheduled]

    @property
    def opens(self) -> Ints:
        """int64[ticks]: the open of each tick's session."""
        return np.broadcast_to(self._opens, len(self.ticks))

    def values(self, name: str) -> Floats:
        """float64[ticks, symbols] of a column; the symbol itself has none."""
        if name not in self._columns:
            deferred = self._deferred
            self._columns[name] = self._own(deferred.whole(name)) if deferred and name in deferred else self._make(name)
        return self._columns[name]

    def waits(self, name: str) -> bool:
        """Whether a column is yet to be computed, for the symbols that are read."""
        deferred = self._deferred
        return deferred is not None and name in deferred and name not in self._columns and not deferred.is_whole(name)

    def some(self, name: str, symbols: Ints) -> tuple[Floats, Ints | None]:
        """A column for these symbols at least: float64[ticks, places], and the place of each symbol; None where it is its id."""
        if self._deferred is not None and self.waits(name):
            values, places = self._deferred.some(name, self._to_ask(symbols))
            return self._own(values), places
        return self.values(name), None

    def _own(self, values: Floats) -> Floats:
        """Of what was computed for the whole stretch, the rows of its own ticks."""
        return values[self.first : self.first + len(self.ticks)]

    def prepare(self, names: Iterable[str], symbols: Ints) -> None:
        """Compute the columns that wait for these symbols, in one go."""
        if self._deferred is not None:
            self._deferred.fill(filter(self.waits, names), self._to_ask(symbols))

    def _to_ask(self, symbols: Ints) -> Ints:
        """For whom columns are computed when one of many sessions reads them for these: for all, as each reads them for others."""
        return symbols if self._stretch is None or len(self._stretch.sessions) == 1 else np.arange(len(self.table))

    @property
    def names(self) -> list[str]:
        """All columns there are: the vocabulary's that are provisioned, then the indicators'."""
        there = (c for c in COLUMNS.values() if c.daily is None or c.daily in self._previous)
        made = list(dict.fromkeys([*self._columns, *(self._deferred or ())]))
        vocabulary = [c.name for c in there if all(t.outputs[0] in made for t in c.terms)]
        return vocabulary + [name for name in made if name not in COLUMNS]

    def add(self, columns: Mapping[str, Floats]) -> None:
        """Take in the columns of indicators that were asked for during the session."""
        self._columns |= columns

    def value(self, name: str, tick: int, symbol: int) -> float:
        """One value, NaN where there is none."""
        return float(self.values(name)[tick, symbol])

    def of(self, table: SymbolTable, ticks: Ints, columns: Mapping[str, Floats]) -> CrossSection:
        """The same session for a few of its symbols, at other ticks, with columns of their own."""
        ids = self.table.ids(table.series)
        previous = {name: values[ids] for name, values in self._previous.items()}
        return CrossSection(self.session, table, ticks, columns, int(self._lags[0]), previous)

    def series(self, name: str, ticks: Ints, symbols: Ints) -> pl.Series:
        """The column's values at (ticks[i], symbols[i]), with nulls for what is missing."""
        if name == "symbol":
            return self.table.series.gather(symbols)
        if name == "tick":
            return pl.Series(name, self.ticks[ticks]).cast(TIMESTAMP)
        return _series(name, self._at(name, ticks, symbols))

    def frame(self, names: Iterable[str], ticks: Ints, symbols: Ints) -> pl.DataFrame:
        """The named columns at (ticks[i], symbols[i])."""
        return pl.DataFrame([self.series(name, ticks, symbols) for name in names])

    def grid(self, names: Iterable[str], ticks: Ints, symbols: Ints) -> pl.DataFrame:
        """The named columns at every one of `ticks` with every one of `symbols`, tick by tick; both increasing.

        A stretch of ticks over all symbols is not copied: the frame is valid until the next session.
        """
        whole = len(ticks) and len(symbols) == len(self.table) and len(ticks) == ticks[-1] - ticks[0] + 1
        block = slice(ticks[0], ticks[-1] + 1) if whole else np.ix_(ticks, symbols)

        def column(name: str) -> pl.Series:
            if name in ("symbol", "tick"):
                return self.series(name, np.repeat(ticks, len(symbols)), np.tile(symbols, len(ticks)))
            if self.waits(name):
                values, places = self.some(name, symbols)
                return _series(name, values[np.ix_(ticks, symbols if places is None else places[symbols])].reshape(-1))
            return _series(name, self.values(name)[block].reshape(-1))

        return pl.DataFrame([column(name) for name in names])

    def _at(self, name: str, ticks: Ints, symbols: Ints) -> Floats:
        if not len(ticks):
            return np.empty(0)
        values, places = self.some(name, symbols)
        if places is not None:
            symbols = places[symbols]
        if values.strides[0] == 0:  # the same at every tick
            return np.take(values[0], symbols)
        if values.strides[1] == 0:  # the same of every symbol
            return np.take(values[:, 0], ticks)
        found: Floats = np.take(values, ticks * values.shape[1] + symbols)
        return found

    def _expected(self) -> Ints:
        """int64[ticks]: how many regular bars a symbol could have by each tick."""
        session = self.session
        if not session.break_end or (self._lags >= self._closes - self._opens).any():
            return _bars_by(self.ticks, self._opens, self._closes, self._lags)
        begins, ends = np.array([session.break_start]), np.array([session.break_end])
        before, after = _bars_by(self.ticks, self._opens, begins, self._lags), _bars_by(self.ticks, ends, self._closes, self._lags)
        return before + after

    def _make(self, name: str) -> Floats:
        shape = (len(self.ticks), len(self.table))
        column = COLUMNS[name]
        if column.daily:
            return np.broadcast_to(self._previous[column.daily], shape)
        if name == "minute":
            return np.broadcast_to(((self.ticks - self._opens) / MICROS_A_MINUTE)[:, None], shape)
        if name == "bar_age":
            return (self.ticks[:, None] - self.values("bar_time") - self._lags[:, None]) / MICROS_A_MINUTE
        if name == "quality":
            expected = self._expected().astype(np.float64)
            return 100.0 * self.values("bars_today") / np.where(expected > 0, expected, np.nan)[:, None]
        if name == "bar_today":
            return (self.values("bar_time") >= self._begins[:, None]).astype(np.float64)
        raise KeyError(name)


def _bars_by(ticks: Ints, opens: Ints, closes: Ints, lags: Ints) -> Ints:
    """int64[ticks]: how many bars there can be by each tick, from one time to another; the last may be cut short."""
    complete = np.clip(ticks, opens, closes) - opens
    return np.where(ticks < closes, complete // lags, -(-complete // lags))


def _at_each_tick(values: Floats, lengths: Sequence[int]) -> Floats:
    """float64[sessions, symbols] at each of the sessions' ticks; copied only where there is no other way."""
    if len(lengths) == 1:
        return np.broadcast_to(values[0], (lengths[0], values.shape[1]))
    return values if all(length == 1 for length in lengths) else np.repeat(values, lengths, axis=0)


def _series(name: str, values: Floats) -> pl.Series:
    series = pl.Series(name, values, nan_to_null=True)
    dtype = COLUMNS[name].dtype if name in COLUMNS else pl.Float64()
    if dtype == pl.Float64:
        return series
    return series.cast(pl.Int64).cast(dtype)
