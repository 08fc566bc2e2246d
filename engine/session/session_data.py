"""SessionData: the state of every symbol in the session at hand.

Membership is kept here: which symbols are active, who added them, and what locks them. Bars,
metrics and indicators are not kept here: they are read from the session's cross-sections and panel
at the tick at hand.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compute.first_seen import first_seen
from engine.errors import RunError, did_you_mean
from engine.indicators.key import IndicatorKey, parse_column
from engine.panel.bars import Ints
from engine.panel.symbol_table import SymbolTable
from engine.session.events import Event
from engine.session.symbol_view import Bar, IndicatorView, MarketView, SymbolView

NOBODY: NDArray[np.bool_] = np.empty(0, np.bool_)
Provision = Callable[[IndicatorKey], None]


@dataclass
class SymbolState:
    """An active symbol.

    source  who added it; config  whether the config names it; locks  why it must not be removed
    """

    source: str
    config: bool = False
    locks: set[str] = field(default_factory=set)


class SessionData:
    """The symbols' state, and views on their data at the tick at hand."""

    def __init__(self, config_symbols: list[str], config_indicators: list[IndicatorKey]):
        self._config_symbols = tuple(config_symbols)
        self._config_indicators = tuple(config_indicators)
        self._states: dict[str, SymbolState] = {}
        # (ids, their table, source) of promoted symbols that have no SymbolState yet
        self._promoted: list[tuple[Ints, SymbolTable, str]] = []
        # indicator name -> the symbols that were given it
        self._indicators: dict[str, set[str]] = {}
        self.requested: dict[str, IndicatorKey] = {}  # by setup() and the config
        self._events: list[Event] = []
        self._added: set[str] = set()
        # symbols that became active or were removed since the last `take_changed`
        self._changed: list[str] = []
        self._acting = "config"
        self._date: dt.date | None = None
        self._time = 0
        self._view: MarketView | None = None
        # all symbols of the session, where the view covers a few
        self._everyone: SymbolTable | None = None
        self._active = np.zeros(0, np.bool_)
        self.provision: Provision = self._remember
        for key in config_indicators:
            self.requested[key.name] = key

    # -- the session

    def begin_session(self, date: dt.date, time: int) -> None:
        """Keep locked symbols only, then register the config's symbols; `time` in microseconds."""
        self._date, self._time, self._view = date, time, None
        self._states, self._promoted = (
            {name: state for name, state in self._states.items() if state.locks},
            [],
        )
        self._changed, self._added = [], set()
        for symbol in self._config_symbols:
            self.register_symbol(symbol)

    def end_session(self) -> None:
        """Release the session's bars."""
        self._view = None

    def see(self, view: MarketView, everyone: SymbolTable | None = None) -> None:
        """Move to the tick of `view`.

        everyone  all symbols of the session, where `view` covers the symbols of a close-up only
        """
        self._everyone = everyone
        if self._view is None or view.cross is not self._view.cross:
            self._active = np.zeros(len(view.cross.table), np.bool_)
            self._active[[i for i in map(view.cross.table.id, self._symbols) if i is not None]] = (
                True
            )
        self._view, self._time = view, view.time

    @property
    def _symbols(self) -> dict[str, SymbolState]:
        """The active symbols and their states."""
        self._note_promoted()
        return self._states

    def _note_promoted(self) -> None:
        """Make the states of promoted symbols, which `promote` has put off."""
        for ids, table, source in self._promoted:
            names = [table.names[i] for i in ids.tolist()]
            self._states |= {name: SymbolState(source) for name in names}
            self._changed += names
        self._promoted.clear()

    @contextmanager
    def acting_as(self, source: str) -> Iterator[None]:
        """Log `source` as the cause of all additions and removals in the `with` block."""
        before, self._acting = self._acting, source
        try:
            yield
        finally:
            self._acting = before

    @property
    def table(self) -> SymbolTable:
        """The session's symbols and their ids."""
        return self._at().cross.table

    # -- membership

    def register_symbol(self, symbol: str) -> bool:
        """Make a symbol of the config active; False where it already is."""
        if symbol in self._symbols:
            self._symbols[symbol].config = True
            return False
        self._symbols[symbol] = SymbolState("config", config=True)
        self._log(symbol, "registered", "config")
        return True

    def is_active(self, symbol: str) -> bool:
        """Whether a symbol is active."""
        return symbol in self._symbols

    def add_symbol(self, symbol: str, source: str | None = None) -> bool:
        """Make a symbol active at this tick; False where it is active already.

        The symbol then has the same data as a symbol of the config: history and indicators come
        from the cross-sections, warm from the start.
        """
        if symbol in self._symbols:
            return False
        if symbol not in self._reachable():
            raise RunError(
                f"symbol {symbol!r} cannot be added",
                where=source or self._acting,
                expected="a symbol of the archive and of a scanner's universe",
                fix=did_you_mean(symbol, self._reachable().names),
            )
        self._symbols[symbol] = SymbolState(source or self._acting)
        row = self._row(symbol)
        if row is not None:
            self._active[row] = True
        self._added.add(symbol)
        self._changed.append(symbol)
        self._log(symbol, "promoted", source or self._acting)
        return True

    def add_symbol_mid_session(self, symbol: str, source: str | None = None) -> bool:
        """`add_symbol`, for callers outside a scan; the symbol gets the same data."""
        return self.add_symbol(symbol, source)

    def promote(self, rows: Ints, source: str) -> NDArray[np.bool_]:
        """Make many symbols active at this tick.

        rows  ids of the table, int64 [hits]

        Returns bool [hits]: True for symbols that were not active before.
        """
        if not len(rows):
            return NOBODY
        fresh = ~self._active[rows]
        added, table = rows[fresh], self.table
        if len(added):
            assert self._date is not None
            self._active[added] = True
            self._promoted.append((added, table, source))
            self._events.append(Event(self._date, self._time, "promoted", source, added, table))
        return fresh

    def promote_in_turn(
        self,
        rows: Ints,
        times: Ints,
        sources: Sequence[str],
        by: Ints,
        dates: Sequence[dt.date],
        on: Ints,
    ) -> NDArray[np.bool_]:
        """`promote` for the hits of several scans, in order of time.

        rows     int64 [hits], ids of the table
        times    int64 [hits], microseconds
        by       int64 [hits], indices of `sources`
        on       int64 [hits], indices of `dates`

        Returns bool [hits]: True for symbols that were not active before in that session. Every
        session begins with the symbols that are active now. Of sessions before the last only the
        events are kept.
        """
        table, fresh = self.table, np.empty(len(rows), np.bool_)
        first_seen(on, rows, np.tile(self._active, (len(dates), 1)), fresh)
        if not fresh.all():
            rows, times, by, on = rows[fresh], times[fresh], by[fresh], on[fresh]
        apart = np.flatnonzero((by[1:] != by[:-1]) | (on[1:] != on[:-1])) + 1
        for start, end in pairwise([0, *apart.tolist(), len(rows)]) if len(rows) else ():
            source, added, number = sources[by[start]], rows[start:end], int(on[start])
            self._events.append(
                Event(dates[number], times[start:end], "promoted", source, added, table)
            )
            if number == len(dates) - 1:
                self._active[added] = True
                self._promoted.append((added, table, source))
        return fresh

    def take_added(self) -> set[str]:
        """The symbols that `add_symbol` added since the last call."""
        added, self._added = self._added, set()
        return added

    def take_changed(self) -> list[str]:
        """The symbols that became active or were removed since the last call."""
        self._note_promoted()
        changed, self._changed = self._changed, []
        return changed

    def remove_symbol_adhoc(self, symbol: str) -> bool:
        """Remove a symbol from the active ones.

        False, without a change, where the symbol is not active, is locked, or is of the config.
        """
        state = self._symbols.get(symbol)
        if state is None or state.locks or state.config:
            return False
        del self._symbols[symbol]
        self._changed.append(symbol)
        row = self._row(symbol) if self._view else None
        if row is not None:
            self._active[row] = False
        self._log(symbol, "removed", self._acting)
        return True

    def lock_symbol(self, symbol: str, reason: str = "position", at: int | None = None) -> bool:
        """Keep an active symbol from being removed until every reason is unlocked.

        at  the time of the event, microseconds; now where None

        False where the symbol is not active.
        """
        state = self._symbols.get(symbol)
        if state is None:
            return False
        if not state.locks:
            self._log(symbol, "locked", reason, at)
        state.locks.add(reason)
        return True

    def unlock_symbol(self, symbol: str, reason: str = "position", at: int | None = None) -> bool:
        """Remove a reason to keep a symbol; False where there was none."""
        state = self._symbols.get(symbol)
        if state is None or reason not in state.locks:
            return False
        state.locks.discard(reason)
        if not state.locks:
            self._log(symbol, "unlocked", reason, at)
        return True

    def is_symbol_locked(self, symbol: str) -> bool:
        """Whether anything keeps the symbol from being removed."""
        state = self._symbols.get(symbol)
        return state is not None and bool(state.locks)

    def get_config_symbols(self) -> list[str]:
        """The symbols that the config names."""
        return list(self._config_symbols)

    def get_active_symbols(self) -> list[str]:
        """Config symbols, promoted symbols and locked ones, sorted."""
        return sorted(self._symbols)

    # -- data

    def get_symbol_data(self, symbol: str) -> SymbolView | None:
        """A view of a symbol at this tick, whether active or not.

        None where no universe of the run holds the symbol.
        """
        row = self._row(symbol)
        return None if row is None else SymbolView(symbol, row, self._at())

    def get_latest_bar(self, symbol: str, interval: str = "1m") -> Bar | None:
        """The symbol's latest complete bar, or None."""
        view = self.get_symbol_data(symbol)
        return view.get_latest_bar(interval) if view else None

    def add_indicator(self, symbol: str, name: str, params: Mapping[str, Any] | None = None) -> str:
        """Give a symbol an indicator and return the indicator's key, e.g. `sma_20_1d`.

        params  the indicator's parameters, and "interval" (default "1m")

        The indicator has values at once, also in the middle of a session. A second call changes
        nothing.
        """
        given = dict(params or {})
        key = IndicatorKey.make(name, given, given.pop("interval", "1m"))
        if key.name not in self.requested:
            self.provision(key)
            self.requested[key.name] = key
        self._indicators.setdefault(key.name, set()).add(symbol)
        return key.name

    def get_indicator(self, symbol: str, key: str) -> IndicatorView:
        """The indicator's value at this tick.

        key  e.g. `sma_20_1d`, `macd_12_26_9_1m.signal`; without an output, the indicator's first
             output

        Not valid where the symbol was not given the indicator, or has no value.
        """
        parsed, output = parse_column(key)
        row = self._row(symbol)
        if row is None or not self._has(symbol, parsed.name):
            return IndicatorView(key, math.nan)
        column = output if output in parsed.columns else parsed.columns[0]
        return IndicatorView(key, self._at().cross.value(column, self._at().tick, row))

    # -- events

    def take_events(self) -> list[Event]:
        """The events since the last call, in order."""
        events, self._events = self._events, []
        return events

    def _log(self, symbol: str, event: str, source: str, at: int | None = None) -> None:
        """Append an event of one symbol; `at` in microseconds, now where None."""
        assert self._date is not None
        self._events.append(
            Event(self._date, self._time if at is None else at, event, source, [symbol])
        )

    def _remember(self, key: IndicatorKey) -> None:
        """Do nothing: before the first session `requested` alone notes indicators."""

    def _has(self, symbol: str, name: str) -> bool:
        """Whether a symbol was given the indicator named `name`."""
        if symbol in self._indicators.get(name, ()):
            return True
        return symbol in self._symbols and any(key.name == name for key in self._config_indicators)

    def _reachable(self) -> SymbolTable:
        """The symbols that may become active."""
        return self._everyone or self._at().cross.table

    def _row(self, symbol: str) -> int | None:
        """The symbol's id in the table at hand, or None."""
        return self._at().cross.table.id(symbol)

    def _at(self) -> MarketView:
        """The view of the tick at hand; raises RunError before the session has data."""
        if self._view is None:
            raise RunError(
                "no data yet: setup() comes before the session's history is loaded",
                where=self._acting,
                fix="ask for bars and indicators in scan(); "
                "in setup(), add_indicator() provisions them",
            )
        return self._view
