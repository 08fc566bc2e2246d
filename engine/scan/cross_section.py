"""The cross-sections of a batch of sessions: what is known of every symbol at every tick.

Columns are float64[ticks, symbols] arrays, NaN where there is no value. Frames are made from them
on demand; in a frame a missing value is null, because Polars takes NaN for larger than any number
and `rsi > 70` must not hold for an indicator that is not warm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl

from engine.clock.calendar import Session
from engine.clock.interval import MICROS_A_MINUTE
from engine.errors import RunError
from engine.features.lazy_columns import LazyColumns, LazyView
from engine.panel.bars import Floats, Ints
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import Buffers
from engine.scan.columns import COLUMNS, at_the_tick, dtype_of, previous_of
from engine.scan.tick_before import Before, LookBack, TicksBefore
from engine.scan.ticks import Scheduled
from engine.schema import TIMESTAMP


class CrossSection:
    """All ticks of consecutive sessions over the symbols of a table; valid until the next batch.

    sessions  one, or several that were computed together
    ticks     of each session int64[its ticks], microseconds
    columns   name -> float64[ticks, symbols], the ticks of all sessions one after the other
    previous  name of a daily column -> float64[sessions, symbols], the last value before each
              session
    lazy      further columns, computed for the symbols that are read
    lags      of each session, microseconds from a base bar's start until it is known
    buffers   what evaluations take memory from
    look_back  where the tick before a session's first is the last of the session before; None where
               it is none
    looks      the schedule whose ticks before `previous(x)` reads; None where nothing does
    """

    def __init__(
        self,
        sessions: Sequence[Session],
        table: SymbolTable,
        ticks: Sequence[Ints],
        columns: Mapping[str, Floats],
        *,
        lags: Sequence[int],
        previous: Mapping[str, Floats],
        lazy: LazyColumns | LazyView | None = None,
        buffers: Buffers | None = None,
        look_back: LookBack | None = None,
        looks: Scheduled | None = None,
    ):
        self.sessions, self.table, self.ticks = tuple(sessions), table, np.concatenate(ticks)
        self.buffers = Buffers() if buffers is None else buffers
        self._columns, self._previous, self._lazy = dict(columns), previous, lazy
        self._lengths = [len(of_session) for of_session in ticks]
        # where each session's ticks begin, and at last where they end
        self.bounds: Ints = np.concatenate(
            [np.zeros(1, np.int64), np.cumsum(self._lengths, dtype=np.int64)]
        )
        self._lags, self._look_back = tuple(lags), look_back
        self._before = (
            None if looks is None else TicksBefore(self.sessions, self.ticks, looks, look_back)
        )
        self._places: dict[Scheduled, Ints] = {}

    @property
    def session(self) -> Session:
        """The first session."""
        return self.sessions[0]

    def of_sessions(self, begin: int, end: int) -> CrossSection:
        """The sessions [begin, end): a view of the same columns."""
        if (begin, end) == (0, len(self.sessions)):
            return self
        bounds = self.bounds[begin : end + 1].tolist()
        ticks = slice(bounds[0], bounds[-1])
        return CrossSection(
            self.sessions[begin:end],
            self.table,
            [self.ticks[first:last] for first, last in pairwise(bounds)],
            {name: values[ticks] for name, values in self._columns.items()},
            lags=self._lags[begin:end],
            previous={name: values[begin:end] for name, values in self._previous.items()},
            lazy=self._lazy and self._lazy.of_ticks(ticks.start, ticks.stop),
            buffers=self.buffers,
            look_back=self._look_back and self._look_back_of(begin, end),
        )

    def _look_back_of(self, begin: int, end: int) -> LookBack:
        """How the sessions [begin, end) look back."""
        assert self._look_back is not None
        before = self._ticks_of(begin - 1) if begin else self._look_back.before
        return LookBack(
            before,
            [(n - begin, symbol) for n, symbol in self._look_back.rescaled if begin <= n < end],
        )

    def following(self, looks: Scheduled) -> CrossSection:
        """The same, where a column `previous(x)` is x at the tick before of a schedule.

        NaN at the first tick there is.
        """
        ticks = [self.ticks[first:last] for first, last in pairwise(self.bounds.tolist())]
        return CrossSection(
            self.sessions,
            self.table,
            ticks,
            self._columns,
            lags=self._lags,
            previous=self._previous,
            lazy=self._lazy,
            buffers=self.buffers,
            look_back=self._look_back,
            looks=looks,
        )

    def last_session(self, names: Iterable[str]) -> Before:
        """Copies of columns at the ticks of the last session, for the batch that comes next."""
        last = self._ticks_of(len(self.sessions) - 1)
        kept = {name: last.values(name).copy() for name in names}
        return replace(last, values=kept.__getitem__)

    def _ticks_of(self, number: int) -> Before:
        ticks = slice(self.bounds[number], self.bounds[number + 1])
        return Before(
            self.sessions[number], self.ticks[ticks], lambda name: self.values(name)[ticks]
        )

    def of_symbols(
        self, table: SymbolTable, ticks: Ints, columns: Mapping[str, Floats]
    ) -> CrossSection:
        """The one session for some of its symbols, at other ticks, with columns of their own."""
        ids = self.table.ids(table.series)
        previous = {name: values[:, ids] for name, values in self._previous.items()}
        look_back = self._look_back
        if look_back is not None:
            rescaled = [
                (0, int(place))
                for _, symbol in look_back.rescaled
                for place in np.flatnonzero(ids == symbol)
            ]
            look_back = LookBack(look_back.before and look_back.before.of_symbols(ids), rescaled)
        return CrossSection(
            self.sessions,
            table,
            [ticks],
            columns,
            lags=self._lags,
            previous=previous,
            buffers=self.buffers,
            look_back=look_back,
        )

    @cached_property
    def session_of_tick(self) -> Ints:
        """int64[ticks]: which of the sessions each tick is in."""
        return np.repeat(np.arange(len(self.sessions)), self._lengths)

    def places(self, scheduled: Scheduled) -> Ints:
        """Indices of the ticks that are scheduled in its sessions."""
        if scheduled not in self._places:
            ticks = np.concatenate([scheduled.ticks(session) for session in self.sessions])
            self._places[scheduled] = np.searchsorted(self.ticks, ticks)
        return self._places[scheduled]

    @cached_property
    def opens(self) -> Ints:
        """int64[ticks]: the open of each tick's session."""
        return self._each_tick([session.open for session in self.sessions])

    def values(self, name: str) -> Floats:
        """float64[ticks, symbols] of a column; the symbol itself has none.

        RunError where the session is over.
        """
        if self.buffers.closed:
            raise RunError(
                "the session is over",
                where=name,
                fix="read its columns before the next session begins, or copy them",
            )
        if (earlier := previous_of(name)) is not None and name not in self._columns:
            self._columns[name] = self._at_tick_before(earlier, self.values(earlier))
        if name not in self._columns:
            lazy = self._lazy
            self._columns[name] = lazy.whole(name) if lazy and name in lazy else self._make(name)
        return self._columns[name]

    def is_lazy(self, name: str) -> bool:
        """Whether a column is yet to be computed, for the symbols that are read."""
        lazy, name = self._lazy, at_the_tick(name)
        return (
            lazy is not None
            and name in lazy
            and name not in self._columns
            and not lazy.is_whole(name)
        )

    def some(self, name: str, symbols: Ints) -> tuple[Floats, Ints | None]:
        """A column for these symbols at least: float64[ticks, places], and the place of each
        symbol; None where it is its id.
        """
        if self._lazy is not None and self.is_lazy(name) and not self.buffers.closed:
            values, places = self._lazy.some(at_the_tick(name), symbols)
            earlier = previous_of(name)
            return values if earlier is None else self._at_tick_before(
                earlier, values, places
            ), places
        return self.values(name), None

    def _at_tick_before(self, name: str, values: Floats, places: Ints | None = None) -> Floats:
        if self._before is None:
            raise KeyError(f"previous({name})")
        return self._before.values(name, values, places)

    def prepare(self, names: Iterable[str], symbols: Ints) -> None:
        """Compute the lazy columns for these symbols, in one go."""
        if self._lazy is not None:
            self._lazy.fill([at_the_tick(name) for name in names if self.is_lazy(name)], symbols)

    @property
    def names(self) -> list[str]:
        """All columns there are: the vocabulary's that are provisioned, then the indicators'."""
        there = (c for c in COLUMNS.values() if c.daily is None or c.daily in self._previous)
        made = [
            name
            for name in dict.fromkeys([*self._columns, *(self._lazy or ())])
            if previous_of(name) is None
        ]
        vocabulary = [c.name for c in there if all(t.outputs[0] in made for t in c.nodes)]
        return vocabulary + [name for name in made if name not in COLUMNS]

    def add(self, columns: Mapping[str, Floats]) -> None:
        """Take in the columns of indicators that were asked for during the session."""
        self._columns |= columns

    def value(self, name: str, tick: int, symbol: int) -> float:
        """One value, NaN where there is none."""
        return float(self.values(name)[tick, symbol])

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
        """The named columns at every one of `ticks` with every one of `symbols`, tick by tick.

        Both increasing.
        """
        whole = (
            len(ticks)
            and len(symbols) == len(self.table)
            and len(ticks) == ticks[-1] - ticks[0] + 1
        )
        block = slice(ticks[0], ticks[-1] + 1) if whole else np.ix_(ticks, symbols)

        def column(name: str) -> pl.Series:
            if name in ("symbol", "tick"):
                return self.series(
                    name, np.repeat(ticks, len(symbols)), np.tile(symbols, len(ticks))
                )
            if self.is_lazy(name):
                values, places = self.some(name, symbols)
                return _series(
                    name,
                    values[np.ix_(ticks, symbols if places is None else places[symbols])].reshape(
                        -1
                    ),
                )
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
        pauses = [
            _pause(session, lag) for session, lag in zip(self.sessions, self._lags, strict=True)
        ]
        begins, ends = (self._each_tick(times) for times in zip(*pauses, strict=True))
        closes, lags = (
            self._each_tick([session.close for session in self.sessions]),
            self._each_tick(self._lags),
        )
        return _bars_by(self.ticks, self.opens, begins, lags) + _bars_by(
            self.ticks, ends, closes, lags
        )

    def _make(self, name: str) -> Floats:
        shape, column = (len(self.ticks), len(self.table)), COLUMNS[name]
        if column.daily:
            return self._each_row(self._previous[column.daily])
        if name == "minute":
            return np.broadcast_to(((self.ticks - self.opens) / MICROS_A_MINUTE)[:, None], shape)
        if name == "bar_age":
            return (
                self.ticks[:, None] - self.values("bar_time") - self._each_tick(self._lags)[:, None]
            ) / MICROS_A_MINUTE
        if name == "quality":
            expected = self._expected().astype(np.float64)
            return (
                100.0
                * self.values("bars_today")
                / np.where(expected > 0, expected, np.nan)[:, None]
            )
        if name == "bar_today":
            begins = self._each_tick([session.extended_open for session in self.sessions])
            return (self.values("bar_time") >= begins[:, None]).astype(np.float64)
        raise KeyError(name)

    def _each_tick(self, values: Sequence[int]) -> Ints:
        """int64[ticks]: a value of each session at its ticks."""
        if len(values) == 1:
            return np.broadcast_to(np.array(values, np.int64), len(self.ticks))
        return np.repeat(np.array(values, np.int64), self._lengths)

    def _each_row(self, values: Floats) -> Floats:
        """float64[sessions, symbols] at each tick; copied only where there is no other way."""
        if len(self._lengths) == 1:
            return np.broadcast_to(values[0], (self._lengths[0], values.shape[1]))
        return (
            values
            if all(length == 1 for length in self._lengths)
            else np.repeat(values, self._lengths, axis=0)
        )


def _pause(session: Session, lag: int) -> tuple[int, int]:
    """When nobody trades within a session, microseconds.

    At its close where bars of this length span the break, or none is.
    """
    if session.break_end and lag < session.close - session.open:
        return session.break_start, session.break_end
    return session.close, session.close


def _bars_by(ticks: Ints, opens: Ints, closes: Ints, lags: Ints) -> Ints:
    """int64[ticks]: how many bars there can be by each tick, from one time to another.

    The last may be cut short.
    """
    complete = np.clip(ticks, opens, closes) - opens
    return np.where(ticks < closes, complete // lags, -(-complete // lags))


def _series(name: str, values: Floats) -> pl.Series:
    series = pl.Series(name, values, nan_to_null=True)
    dtype = dtype_of(name)
    if dtype == pl.Float64:
        return series
    return series.cast(pl.Int64).cast(dtype)
