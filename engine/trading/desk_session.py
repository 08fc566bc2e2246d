"""One session of a trading desk: strategies decide and the broker fills, instant by instant.

1. `Layout.of`  the close-up of the symbols that are or become active, their bars, the signals
2. `advance`    instant by instant: decisions, then the bar that follows; symbols lock and unlock
3. `finish`     the last decisions, at the close

Hits of columnar scans are known when the session begins, and used from their time on only. What is
not known then (hits of other scans, symbols that a strategy adds) has the rest of the session laid
out anew.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence

import numpy as np

from engine.clock.interval import Interval
from engine.errors import BarsweepError, RunError, did_you_mean
from engine.session.session_data import SessionData
from engine.session.symbol_view import MarketView
from engine.session.trader import Found, SessionInputs
from engine.trading.bar_feed import instants_of
from engine.trading.broker import records
from engine.trading.broker_account import Broker
from engine.trading.finds import CONFIG, NEVER, Finds, ScannerCodes, note_found
from engine.trading.session_layout import Layout
from engine.trading.strategy_context import StrategyContext
from engine.trading.strategy_runtime import StrategyRuntime

log = logging.getLogger("barsweep")
TAG = "[TRADING_DESK]"


def tell_of_locks(broker: Broker, data: SessionData) -> None:
    """Lock symbols with a first position or order since the last call, unlock those without any."""
    for time, symbol, locked in broker.take_locks():
        (data.lock_symbol if locked else data.unlock_symbol)(symbol, "trading", time)


class DeskSession:
    """The strategies and the broker in one session.

    instants  int64 [instants], microseconds: the open, the end of every regular-hours bar, the
              close
    equity    EQUITY [instants]: the account at each instant so far
    """

    def __init__(
        self,
        inputs: SessionInputs,
        slots: Sequence[StrategyRuntime],
        broker: Broker,
        *,
        base: Interval,
        codes: ScannerCodes,
        found: Found,
    ):
        self._inputs, self._slots, self.broker, self.base, self._codes = (
            inputs,
            slots,
            broker,
            base,
            codes,
        )
        session, data = inputs.batch.panel.session, inputs.data
        self.instants = instants_of(session, base)
        self.equity = np.zeros(len(self.instants), records.EQUITY)
        broker.record_equity(session.open, self.equity[0])
        foreseen = {name: dict(symbols) for name, symbols in inputs.found.items()}
        known = inputs.batch.cross.table.names
        self._finds = Finds(
            found | foreseen,
            data.get_active_symbols(),
            data.get_config_symbols(),
            session.open,
            known,
        )
        data.take_changed()
        self._times = {
            slot.index: set(slot.ticks(session).tolist()) for slot in slots if slot.plan is None
        }
        self._failed: set[int] = set()  # strategies that are left out for the rest of the session
        self._at, self._decided, self._next = (
            0,
            False,
            0,
        )  # the instant at hand, whether it was decided upon, the next signal
        self._tick = 0
        self._layout = self._laid_out(np.empty(0, np.int64))

    def open(self) -> None:
        """Call on_session of the strategies with code of their own, at the open."""
        for slot in self._slots:
            if slot.plan is None:
                self._see(int(self.instants[0]))
                self._ask(slot, slot.strategy.on_session)

    def found(self, scanner: str, symbols: Sequence[str], now: int) -> None:
        """Take in the hits of a scan that was not known when the session began."""
        note_found(self._finds.found, scanner, symbols, now)

    def advance(self, time: int) -> None:
        """Process everything before `time`; the decisions at it come after its scans."""
        self._look_again()
        until = int(np.searchsorted(self.instants, time, side="right")) - 1
        self._walk(max(until, self._at))
        if until >= 0 and self.instants[until] < time:
            self._decide()

    def finish(self) -> None:
        """Process the rest of the session."""
        self._look_again()
        self._walk(len(self.instants) - 1)
        self._decide()
        self.tell_of_locks()

    @property
    def layout(self) -> Layout:
        """The current layout."""
        return self._layout

    def tell_of_locks(self) -> None:
        """Lock and unlock symbols as positions open and close."""
        tell_of_locks(self.broker, self._inputs.data)

    # -- what strategies ask for

    def tradable(self, slot: StrategyRuntime) -> list[str]:
        """The symbols that a strategy may trade now or holds, sorted."""
        active = self._inputs.data.get_active_symbols()
        if slot.scanners is None:
            return active
        now = self._inputs.clock.now
        held = {
            self.broker.symbols[symbol]
            for strategy, symbol in self.broker.held()
            if strategy == slot.index
        }
        return [
            symbol
            for symbol in active
            if symbol in held or self._finds.eligible_from(slot, symbol) <= now
        ]

    def value(self, symbol: str, column: str) -> float:
        """A column of an active symbol now, NaN where it has no value."""
        self.refresh()
        cross = self._layout.view.cross
        row = cross.table.id(symbol)
        if row is None:
            raise RunError(
                f"symbol {symbol!r} is not active",
                where="value()",
                expected="an active symbol",
                fix=did_you_mean(symbol, cross.table.names),
            )
        try:
            return cross.value(column, self._tick, row)
        except KeyError:
            raise RunError(
                f"unknown column {column!r}",
                where="value()",
                expected="a column, or a key of indicators()",
                fix=did_you_mean(column, cross.names),
            ) from None

    def has_new_bar(self, symbol: str) -> bool:
        """Whether a bar of the symbol ended at this instant."""
        code = self.code(symbol)
        return (
            code is not None and self._at > 0 and int(self.broker.ledger.quotes[code]["row"]) >= 0
        )

    def code(self, symbol: str) -> int | None:
        """The broker's number of an active symbol, or None."""
        if not self._inputs.data.is_active(symbol):
            return None
        self.refresh()
        return self.broker.symbol_id(symbol)

    def refresh(self) -> None:
        """Take in symbols that a strategy has just added or removed."""
        if self._look_again():
            self._see(int(self.instants[self._at]))

    def found_by(self, slot: StrategyRuntime, symbol: str) -> tuple[str, int]:
        """(scanner, time) of a symbol's first hit by now; ("config", -1) without one."""
        scanner, time, _ = self._finds.first(slot, symbol)
        return (scanner, time) if 0 <= time <= self._inputs.clock.now else (CONFIG, -1)

    def rank_of(self, slot: StrategyRuntime, symbol: str) -> int:
        """The rank of that first hit; 0 without one."""
        _, time, rank = self._finds.first(slot, symbol)
        return rank if 0 <= time <= self._inputs.clock.now else 0

    def scanner_code(self, name: str) -> int:
        """The scanner's number in trades."""
        return self._codes.of(name)

    # -- laying out

    def _laid_out(self, followed: np.ndarray) -> Layout:
        """A new layout with the symbols known now.

        followed  the broker's numbers of symbols whose prices the broker knows already
        """
        layout = Layout.of(
            self._inputs,
            self._slots,
            self._finds,
            self._codes,
            broker=self.broker,
            instants=self.instants,
            fail=self._fail,
        )
        fresh = np.flatnonzero(~np.isin(layout.codes, followed))
        self.broker.know(
            layout.codes[fresh],
            layout.latest_prices(fresh, int(self.instants[self._at]) if self._at else None),
        )
        self._next = int(np.searchsorted(layout.signals["instant"], self._at + self._decided))
        return layout

    def _look_again(self) -> bool:
        """Lay out the rest of the session anew where unforeseen symbols came or went.

        Returns whether that was so.
        """
        data, now, active_from = self._inputs.data, self._inputs.clock.now, self._finds.active_from
        surprises = False
        for symbol in data.take_changed():
            if data.is_active(symbol) and active_from.get(symbol, NEVER) > now:
                active_from[symbol], surprises = now, True
            elif not data.is_active(symbol) and active_from.get(symbol, NEVER) <= now:
                active_from.pop(symbol)
                surprises = True
        if surprises:
            self._layout = self._laid_out(self._layout.codes)
        return surprises

    # -- the walk

    def _walk(self, until: int) -> None:
        feed, signals = self._layout.feed, self._layout.signals
        if all(slot.plan for slot in self._slots):
            if until > self._at:
                self._next = self.broker.walk(
                    feed, self._at, until, signals, self._next, self.equity
                )
                self._at, self._decided = until, False
        else:
            while self._at < until:
                self._decide()
                self.broker.step(self._layout.feed, self._at, self.equity)
                self._at, self._decided = self._at + 1, False
                self.tell_of_locks()
        self.tell_of_locks()

    def _decide(self) -> None:
        """The strategies' decisions at the current instant, in the strategies' order."""
        if self._decided:
            return
        self._decided = True
        now = int(self.instants[self._at])
        end = int(np.searchsorted(self._layout.signals["instant"], self._at, side="right"))
        for slot in self._slots:
            if slot.plan:
                first, last = self._layout.own(slot.index, self._next, end)
                self.broker.act(self._layout.signals, first, last, now)
            elif slot.index not in self._failed and now in self._times[slot.index]:
                self._inputs.clock.advance(max(now, self._inputs.clock.now))
                self._see(now)
                self._ask(slot, slot.strategy.on_bar)
        self._next = end

    def _see(self, now: int) -> None:
        """Move the session's data to the time `now` (microseconds)."""
        view = self._layout.view
        self._tick = int(np.searchsorted(view.cross.ticks, now))
        moment = MarketView(view.cross, view.panel, self._tick, self._inputs.history)
        self._inputs.data.see(moment, self._inputs.batch.cross.table)

    def _ask(self, slot: StrategyRuntime, hook: Callable[[StrategyContext], None]) -> None:
        """Call a hook of a strategy.

        A strategy that raises is reported, and left out for the rest of the session.
        """
        try:
            with self._inputs.data.acting_as(slot.name):
                hook(StrategyContext(self, slot, self._inputs.data, self._inputs.clock))
        except (Exception, SystemExit) as error:
            self._fail(slot, error)

    def _fail(self, slot: StrategyRuntime, error: BaseException) -> None:
        log.error("%s %s failed\n%s", TAG, slot.name, traceback.format_exc())
        said = (
            str(error) if isinstance(error, BarsweepError) else f"{type(error).__name__}: {error}"
        )
        self._failed.add(slot.index)
        slot.errors.append((self._inputs.clock.now, said))
