"""SessionData: the single source of truth about symbols. Everything queries it.

Membership (which symbols are active, why, and whether they are locked) is kept here. Bars, metrics and indicators are
not: they are read from the session's cross-sections and panel at the tick at hand.
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
    """An active symbol: who added it, and what locks it."""

    source: str
    config: bool = False
    locks: set[str] = field(default_factory=set)


class SessionData:
    """Symbols and their state; see the module's text for where the data is."""

    def __init__(self, config_symbols: list[str], config_indicators: list[IndicatorKey]):
        self._config_symbols = tuple(config_symbols)
        self._config_indicators = tuple(config_indicators)
        self._states: dict[str, SymbolState] = {}
        self._promoted: list[
            tuple[Ints, SymbolTable, str]
        ] = []  # what scans have added since, as ids; states on demand
        self._indicators: dict[
            str, set[str]
        ] = {}  # indicator name -> the symbols that asked for it
        self.requested: dict[str, IndicatorKey] = {}  # all that setup() and the config asked for
        self._events: list[Event] = []
        self._added: set[str] = set()
        self._changed: list[
            str
        ] = []  # symbols that became active or were removed, since somebody asked
        self._acting = "config"
        self._date: dt.date | None = None
        self._time = 0
        self._view: MarketView | None = None
        self._everyone: SymbolTable | None = (
            None  # all symbols of the session, where the view shows a few
        )
        self._active = np.zeros(0, np.bool_)
        self.provision: Provision = self._remember
        for key in config_indicators:
            self.requested[key.name] = key

    # -- the session ----------------------------------------------------------------------------------------------

    def begin_session(self, date: dt.date, time: int) -> None:
        """Clear what the last session left, keep what is locked, register the config's symbols."""
        self._date, self._time, self._view = date, time, None
        self._states, self._promoted = (
            {name: state for name, state in self._states.items() if state.locks},
            [],
        )
        self._changed, self._added = [], set()
        for symbol in self._config_symbols:
            self.register_symbol(symbol)

    def end_session(self) -> None:
        """Let go of the session's bars."""
        self._view = None

    def see(self, view: MarketView, everyone: SymbolTable | None = None) -> None:
        """Look at a tick. `everyone` holds the session's symbols where the view is a close-up of a few."""
        self._everyone = everyone
        if self._view is None or view.cross is not self._view.cross:
            self._active = np.zeros(len(view.cross.table), np.bool_)
            self._active[[i for i in map(view.cross.table.id, self._symbols) if i is not None]] = (
                True
            )
        self._view, self._time = view, view.time

    @property
    def _symbols(self) -> dict[str, SymbolState]:
        """The active symbols."""
        self._note_promoted()
        return self._states

    def _note_promoted(self) -> None:
        """Give the symbols that scans have added a state each."""
        for ids, table, source in self._promoted:
            names = [table.names[i] for i in ids.tolist()]
            self._states |= {name: SymbolState(source) for name in names}
            self._changed += names
        self._promoted.clear()

    @contextmanager
    def acting_as(self, source: str) -> Iterator[None]:
        """Whatever is added or removed meanwhile is logged as the work of `source`."""
        before, self._acting = self._acting, source
        try:
            yield
        finally:
            self._acting = before

    @property
    def table(self) -> SymbolTable:
        """The session's symbols and their ids."""
        return self._at().cross.table

    # -- membership -----------------------------------------------------------------------------------------------

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
        """Promote a symbol into full state, at this tick; False where it is active already.

        From then on nothing tells it from a symbol of the config: its history and indicators are those of the
        cross-sections, warm from the start.
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
        """`add_symbol`, for callers outside a scan; there is no difference in what the symbol has."""
        return self.add_symbol(symbol, source)

    def promote(self, rows: Ints, source: str) -> NDArray[np.bool_]:
        """add_symbol for many ids of the table; True for those that were not active."""
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
        """`promote` for finds one after the other: when each is (microseconds), and the numbers of its source and session.

        Of sessions before the last only the log is kept; they begin with the symbols that are active now.
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
        """Drop a symbol; False, and nothing happens, where it is not active, locked, or of the config."""
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
        """Keep an active symbol from being removed, until every reason is unlocked; False where it is not active.

        `at` is when, in microseconds; now where left out.
        """
        state = self._symbols.get(symbol)
        if state is None:
            return False
        if not state.locks:
            self._log(symbol, "locked", reason, at)
        state.locks.add(reason)
        return True

    def unlock_symbol(self, symbol: str, reason: str = "position", at: int | None = None) -> bool:
        """Take a reason to keep a symbol away; False where there was none."""
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

    # -- data -----------------------------------------------------------------------------------------------------

    def get_symbol_data(self, symbol: str) -> SymbolView | None:
        """A view of the symbol at this tick, active or not; None where no universe of the run holds it."""
        row = self._row(symbol)
        return None if row is None else SymbolView(symbol, row, self._at())

    def get_latest_bar(self, symbol: str, interval: str = "1m") -> Bar | None:
        """The symbol's latest complete bar, or None."""
        view = self.get_symbol_data(symbol)
        return view.get_latest_bar(interval) if view else None

    def add_indicator(self, symbol: str, name: str, params: Mapping[str, Any] | None = None) -> str:
        """Give a symbol an indicator and return its key.

        `params` are the indicator's, and its "interval". Idempotent; warm at once, also in the middle of a session.
        """
        given = dict(params or {})
        key = IndicatorKey.make(name, given, given.pop("interval", "1m"))
        if key.name not in self.requested:
            self.provision(key)
            self.requested[key.name] = key
        self._indicators.setdefault(key.name, set()).add(symbol)
        return key.name

    def get_indicator(self, symbol: str, key: str) -> IndicatorView:
        """The indicator's value at this tick, by its key (`sma_20_1d`, `macd_12_26_9_1m.signal`).

        A key of several outputs without one named is its first. Not valid where the symbol was not given it.
        """
        parsed, output = parse_column(key)
        row = self._row(symbol)
        if row is None or not self._has(symbol, parsed.name):
            return IndicatorView(key, math.nan)
        column = output if output in parsed.columns else parsed.columns[0]
        return IndicatorView(key, self._at().cross.value(column, self._at().tick, row))

    # -- the log --------------------------------------------------------------------------------------------------

    def take_events(self) -> list[Event]:
        """The events since the last call, in their order."""
        events, self._events = self._events, []
        return events

    def _log(self, symbol: str, event: str, source: str, at: int | None = None) -> None:
        assert self._date is not None
        self._events.append(
            Event(self._date, self._time if at is None else at, event, source, [symbol])
        )

    def _remember(self, key: IndicatorKey) -> None:
        """Before the first session what is asked for is only noted in `requested`."""

    def _has(self, symbol: str, name: str) -> bool:
        if symbol in self._indicators.get(name, ()):
            return True
        return symbol in self._symbols and any(key.name == name for key in self._config_indicators)

    def _reachable(self) -> SymbolTable:
        """The symbols that may become active."""
        return self._everyone or self._at().cross.table

    def _row(self, symbol: str) -> int | None:
        return self._at().cross.table.id(symbol)

    def _at(self) -> MarketView:
        if self._view is None:
            raise RunError(
                "no data yet: setup() comes before the session's history is loaded",
                where=self._acting,
                fix="ask for bars and indicators in scan(); in setup(), add_indicator() provisions them",
            )
        return self._view
