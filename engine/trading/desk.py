"""TradingDesk: drives strategies and the broker through the sessions of a run.

    1. `begin_session`  interest, corporate actions, positions in symbols that are gone; then the session is laid out:
    2. `_lay_out`       a close-up of the symbols that are or will be active, the tape of their bars, the columns' signals
    3. `advance`        instant by instant: decisions, then the bar that follows; symbols lock and unlock as it goes
    4. `end_session`    the last decisions, at the close; the session's tables

Which symbols columnar scans will find in the session is known when it begins, and used only from its time on. What could not be
foreseen (scans symbol by symbol, symbols that a strategy adds) has the rest of the session laid out anew.
"""

from __future__ import annotations

import datetime as dt
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.clock.schedule import AtClose
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.errors import BarsweepError, RunError, did_you_mean
from engine.indicators.key import IndicatorKey
from engine.kernels.broker import records
from engine.panel.bars import Ints
from engine.scan.columns import COLUMNS
from engine.scan.cross_section import CrossSection
from engine.scan.replay import ReplayedSession
from engine.scan.ticks import Scheduled, TickTable
from engine.session.scope import base_interval
from engine.session.symbol_view import Moment
from engine.session.trader import Found, Scene
from engine.trading.broker import Broker, Records
from engine.trading.context import StrategyContext
from engine.trading.plan import Finder, Signals
from engine.trading.slot import StrategySlot
from engine.trading.tables import TradingTables
from engine.trading.tape import instants_of, make_tape

log = logging.getLogger("barsweep")
TAG = "[TRADING_DESK]"
CONFIG = "config"  # stands for a scanner where the config named the symbol
NEVER = np.iinfo(np.int64).max


class TradingDesk:
    """One account and the strategies that share it; a Trader for the session coordinator."""

    def __init__(self, config: SessionConfig, archive: Archive, base: Interval):
        self.base = base
        self._every_bar: Scheduled = AtClose() if base.is_daily else _EveryBar(base)
        enabled = [one for one in config.strategies if one.enabled]
        self.slots = [StrategySlot.load(one, index, self._every_bar) for index, one in enumerate(enabled)]
        self.broker = Broker(config.account, config.costs, [slot.terms for slot in self.slots])
        self._tables = TradingTables(self.broker)
        self._actions = archive.corporate_actions().sort("ex_date", "symbol")
        self._sessions, self._last_date = 0, dt.date.min
        self._scanners: list[str] = [CONFIG]
        self._scene: Scene
        self._view: ReplayedSession
        self._found: Found = {}  # of the session; what comes before its open is there when it begins
        self.failures = 0

    # -- what it needs of the run

    @property
    def columns(self) -> set[str]:
        """Columns of the vocabulary that strategies read: all, for one that decides by itself."""
        if any(slot.plan is None for slot in self.slots):
            return set(COLUMNS)
        return {"close", *(column for slot in self.slots if slot.plan for column in slot.plan.columns)}

    @property
    def columns_before(self) -> set[str]:
        """The columns of which strategies read the value at the instant before."""
        return {column for slot in self.slots if slot.plan for column in slot.plan.columns_before}

    @property
    def keys(self) -> list[IndicatorKey]:
        """Indicators that strategies read."""
        return [key for slot in self.slots for key in slot.keys]

    def ticks(self, base: Interval, sessions: Sequence[Session]) -> TickTable:
        """When strategies decide. One that decides by itself may look at any bar's end."""
        parts: list[Scheduled] = [schedule for slot in self.slots for schedule in slot.schedules]
        if any(slot.plan is None for slot in self.slots):
            parts.append(self._every_bar)
        return TickTable(parts, True, sessions)

    # -- the session

    def begin_session(self, scene: Scene) -> None:
        """The session's open, after the pre-session scans."""
        session = scene.replayed.panel.session
        self._scene = scene
        self.broker.begin_session(self._sessions, (session.date - self._last_date).days if self._sessions else 0)
        self._act_on_splits_and_dividends(session)
        self.broker.write_off(session.open)
        self._tell_of_locks()
        self._sessions, self._last_date = self._sessions + 1, session.date
        self._instants = instants_of(session, self.base)
        self._at, self._decided, self._next = 0, False, 0
        self._equity = np.zeros(len(self._instants), records.EQUITY)
        self.broker.record_equity(session.open, self._equity[0])
        active = scene.data.get_active_symbols()
        known = scene.replayed.cross.table
        self._found |= {name: dict(symbols) for name, symbols in scene.found.items()}
        self._from = dict.fromkeys(active, session.open)
        for symbols in self._found.values():
            for symbol, (time, _) in symbols.items():
                self._from[symbol] = min(time, self._from.get(symbol, NEVER))
        self._from = {symbol: time for symbol, time in self._from.items() if symbol in known}
        self._configured = set(scene.data.get_config_symbols())
        scene.data.take_changed()
        self._times = {slot.index: set(slot.ticks(session).tolist()) for slot in self.slots if slot.plan is None}
        for slot in self.slots:
            slot.working = True
        self._followed = np.empty(0, np.int64)
        self._lay_out()
        for slot in self.slots:
            if slot.plan is None:
                self._see(session.open)
                self._ask(slot, slot.strategy.on_session)

    def found(self, scanner: str, symbols: Sequence[str], now: int) -> None:
        """A scan that could not be foreseen found symbols."""
        own = self._found.setdefault(scanner, {})
        for rank, symbol in enumerate(symbols, 1):
            own.setdefault(symbol, (now, rank))

    def advance(self, time: int) -> None:
        """Everything up to an instant; what is decided at it waits for its scans."""
        self._look_again()
        until = int(np.searchsorted(self._instants, time, side="right")) - 1
        self._walk(max(until, self._at))
        if until >= 0 and self._instants[until] < time:
            self._decide()

    def end_session(self) -> Mapping[str, pl.DataFrame]:
        """The rest of the session, and the rows of its tables."""
        self._look_again()
        self._walk(len(self._instants) - 1)
        self._decide()
        self._tell_of_locks()
        self.broker.end_session()
        for slot in self.slots:
            if slot.plan:
                slot.plan.end_session()
        self._found = {}
        return self._tables.session(self._last_date, self._equity, self._scanners)

    def end_run(self) -> Mapping[str, pl.DataFrame]:
        """Orders and trades that are still open, as of the last close."""
        self.broker.end_run(int(self._instants[-1]))
        return self._tables.rest(self._last_date, self._scanners)

    @property
    def close_up(self) -> CrossSection:
        """What columnar strategies saw of the session at hand: the symbols that were found, at the ticks of decisions."""
        return self._view.cross

    def states(self) -> dict[str, Any]:
        """Per strategy: how often it failed, and the first failures."""
        return {slot.name: slot.told(self.utc) for slot in self.slots}

    # -- what strategies ask for

    def tradable(self, slot: StrategySlot) -> list[str]:
        """The symbols that a strategy may trade now, sorted: those it was found, and those it holds."""
        active = self._scene.data.get_active_symbols()
        if slot.scanners is None:
            return active
        now = self._scene.clock.now
        held = {self.broker.symbols[symbol] for strategy, symbol in self.broker.held() if strategy == slot.index}
        return [symbol for symbol in active if symbol in held or self._eligible_from(slot, symbol) <= now]

    def value(self, symbol: str, column: str) -> float:
        """A column of an active symbol now, NaN where it has no value."""
        self.refresh()
        row, cross = self._view.cross.table.id(symbol), self._view.cross
        if row is None:
            raise RunError(f"symbol {symbol!r} is not active", where="value()", expected="an active symbol",
                           fix=did_you_mean(symbol, cross.table.names))  # fmt: skip
        try:
            return cross.value(column, self._tick, row)
        except KeyError:
            raise RunError(f"unknown column {column!r}", where="value()", expected="a column, or a key of indicators()",
                           fix=did_you_mean(column, cross.names)) from None  # fmt: skip

    def has_new_bar(self, symbol: str) -> bool:
        """Whether a bar of the symbol ended at this instant."""
        code = self.code(symbol)
        return code is not None and self._at > 0 and int(self.broker.books.quotes[code]["row"]) >= 0

    def code(self, symbol: str) -> int | None:
        """The broker's number of an active symbol, or None."""
        if not self._scene.data.is_active(symbol):
            return None
        self.refresh()
        return self.broker.symbol_id(symbol)

    def refresh(self) -> None:
        """Take in what a strategy has just added or removed."""
        if self._look_again():
            self._see(int(self._instants[self._at]))

    def found_by(self, slot: StrategySlot, symbol: str) -> tuple[str, int]:
        """Which scanner found a symbol first by now, and when; "config" and -1 where none has."""
        scanner, time, _ = self._first_found(slot, symbol)
        return (scanner, time) if 0 <= time <= self._scene.clock.now else (CONFIG, -1)

    def rank_of(self, slot: StrategySlot, symbol: str) -> int:
        """The rank at which that scanner found it; 0 where none has."""
        _, time, rank = self._first_found(slot, symbol)
        return rank if 0 <= time <= self._scene.clock.now else 0

    def scanner_code(self, name: str) -> int:
        """The number of a scanner in trades."""
        if name not in self._scanners:
            self._scanners.append(name)
        return self._scanners.index(name)

    def utc(self, micros: int) -> dt.datetime:
        """A time of the books."""
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)

    # -- laying out

    def _lay_out(self) -> None:
        """A close-up, the tape, and signals, for the symbols that are known of now."""
        self._view = self._scene.close_up(sorted(self._from))
        table, session = self._view.cross.table, self._view.panel.session
        self._codes = np.array(self.broker.symbol_ids(table.names), np.int64)
        self._tape = make_tape(self._view.panel, self._codes, self._instants)
        self._know_prices()
        self._active_from = np.array([self._from.get(name, NEVER) for name in table.names], np.int64)
        self._signals = self._make_signals(session)
        self._next = int(np.searchsorted(self._signals["instant"], self._at + self._decided))

    def _know_prices(self) -> None:
        """The latest price of symbols that the broker has not followed in this session: today's, else that seen at the open."""
        tape, fresh = self._tape, np.flatnonzero(~np.isin(self._codes, self._followed))
        prices = self._view.cross.values("close")[0][fresh]
        for place, i in enumerate(fresh.tolist() if self._at else ()):
            seen = int(np.searchsorted(tape.times[tape.cursors[i] : tape.ends[i]], self._instants[self._at]))
            prices[place] = tape.close[tape.cursors[i] + seen - 1] if seen else prices[place]
        self.broker.know(self._codes[fresh], prices)
        self._followed = self._codes

    def _make_signals(self, session: Session) -> Records:
        made = [self._signals_of(slot, session) for slot in self.slots if slot.plan]
        together = np.concatenate([np.zeros(0, records.SIGNAL), *made])
        return together[np.lexsort((together["strategy"], together["instant"]))]  # stable: ranks keep their order

    def _signals_of(self, slot: StrategySlot, session: Session) -> Records:
        assert slot.plan is not None
        cross, table = self._view.cross, self._view.cross.table
        times = slot.ticks(session)
        ticks = np.searchsorted(cross.ticks, times)
        enter_from = np.array([self._eligible_from(slot, name) for name in table.names], np.int64)
        shown_from = np.zeros(len(table), np.int64) if slot.plan.edge else self._shown_from(slot, enter_from)
        shown_from = np.where(self._active_from == NEVER, NEVER, shown_from)
        at, who = np.nonzero(times[:, None] >= shown_from[None, :])
        may_enter = times[at] >= enter_from[who]
        signals = self._evaluate(slot, slot.view(cross), ticks[at], who, may_enter)
        if signals is None:
            return np.zeros(0, records.SIGNAL)
        instants = np.searchsorted(self._instants, cross.ticks)
        return signals.records(slot.index, cross.ticks, instants, self._codes, self._finders(slot))

    def _evaluate(self, slot: StrategySlot, cross: CrossSection, at: Ints, who: Ints, may_enter: np.ndarray) -> Signals | None:
        assert slot.plan is not None
        try:
            return slot.plan.signals(cross, at, who, may_enter, self.broker.reason_code)
        except pl.exceptions.PolarsError as error:
            self._fail(slot, error)
            return None

    def _shown_from(self, slot: StrategySlot, enter_from: Ints) -> Ints:
        """When a strategy begins to see each symbol: what it may still hold, from the open."""
        shown = enter_from.copy()
        busy = self.broker.books.positions[slot.index, self._codes]
        shown[(busy["quantity"] != 0) | (busy["entering"] > 0)] = 0
        return shown

    def _eligible_from(self, slot: StrategySlot, symbol: str) -> int:
        """From when on a strategy may enter a symbol, microseconds."""
        active = self._from.get(symbol, NEVER)
        if slot.scanners is None:
            return active
        if CONFIG in slot.scanners and symbol in self._configured:
            return active
        found = self._first_found(slot, symbol)[1]
        return NEVER if found < 0 else max(active, found)

    def _first_found(self, slot: StrategySlot, symbol: str) -> tuple[str, int, int]:
        """The scanner that finds a symbol first in the session, of those the strategy looks at; when, and at which rank."""
        finds = [(*symbols[symbol], name) for name, symbols in self._found.items()
                 if symbol in symbols and (slot.scanners is None or name in slot.scanners)]  # fmt: skip
        time, rank, name = min(finds, default=(-1, 0, CONFIG))
        return name, time, rank

    def _finders(self, slot: StrategySlot) -> dict[int, Finder]:
        """Row of the close-up -> who finds it first, when, and at which rank."""
        finds = (self._first_found(slot, symbol) for symbol in self._view.cross.table.names)
        return {row: (self.scanner_code(name), time, rank) for row, (name, time, rank) in enumerate(finds)}

    def _look_again(self) -> bool:
        """Lay out the rest of the session where symbols came or went that could not be foreseen; whether it was so."""
        data, now = self._scene.data, self._scene.clock.now
        surprises = False
        for symbol in data.take_changed():
            if data.is_active(symbol) and self._from.get(symbol, NEVER) > now:
                self._from[symbol], surprises = now, True
            elif not data.is_active(symbol) and self._from.get(symbol, NEVER) <= now:
                del self._from[symbol]
                surprises = True
        if surprises:
            self._lay_out()
        return surprises

    # -- the walk

    def _walk(self, until: int) -> None:
        if all(slot.plan for slot in self.slots):
            if until > self._at:
                self._next = self.broker.walk(self._tape, self._at, until, self._signals, self._next, self._equity)
                self._at, self._decided = until, False
        else:
            while self._at < until:
                self._decide()
                self.broker.step(self._tape, self._at, self._equity)
                self._at, self._decided = self._at + 1, False
                self._tell_of_locks()
        self._tell_of_locks()

    def _decide(self) -> None:
        """What strategies decide at the instant at hand, in their order."""
        if self._decided:
            return
        self._decided = True
        now = int(self._instants[self._at])
        end = int(np.searchsorted(self._signals["instant"], self._at, side="right"))
        for slot in self.slots:
            if slot.plan:
                first, last = self._own(slot, self._next, end)
                self.broker.act(self._signals, first, last, now)
            elif slot.working and now in self._times[slot.index]:
                self._scene.clock.advance(max(now, self._scene.clock.now))
                self._see(now)
                self._ask(slot, slot.strategy.on_bar)
        self._next = end

    def _own(self, slot: StrategySlot, first: int, last: int) -> tuple[int, int]:
        strategies = self._signals["strategy"][first:last]
        low, high = np.searchsorted(strategies, slot.index), np.searchsorted(strategies, slot.index, side="right")
        return first + int(low), first + int(high)

    def _see(self, now: int) -> None:
        """Let the data stand at an instant."""
        self._tick = int(np.searchsorted(self._view.cross.ticks, now))
        moment = Moment(self._view.cross, self._view.panel, self._tick, self._scene.history)
        self._scene.data.see(moment, self._scene.replayed.cross.table)

    def _ask(self, slot: StrategySlot, hook: Callable[[StrategyContext], None]) -> None:
        """A strategy's own code: whatever it raises is told, and leaves it out for the rest of the session."""
        try:
            with self._scene.data.acting_as(slot.name):
                hook(StrategyContext(self, slot, self._scene.data, self._scene.clock))
        except (Exception, SystemExit) as error:
            self._fail(slot, error)

    def _fail(self, slot: StrategySlot, error: BaseException) -> None:
        log.error("%s %s failed\n%s", TAG, slot.name, traceback.format_exc())
        said = str(error) if isinstance(error, BarsweepError) else f"{type(error).__name__}: {error}"
        self.failures += 1
        slot.working = False
        slot.errors.append((self._scene.clock.now, said))

    def _tell_of_locks(self) -> None:
        data = self._scene.data
        for time, symbol, locked in self.broker.take_locks():
            (data.lock_symbol if locked else data.unlock_symbol)(symbol, "trading", time)

    # -- corporate actions

    def _act_on_splits_and_dividends(self, session: Session) -> None:
        """Those with an ex-date since the session before, dividends first: they are per share as held."""
        if self._sessions == 0:
            return
        known = set(self.broker.symbols)
        due = self._actions.filter(pl.col("ex_date") > self._last_date, pl.col("ex_date") <= session.date)
        for symbol, _, ratio, cash in due.iter_rows():
            if symbol not in known:
                continue
            if cash:
                self.broker.dividend(symbol, cash)
            if ratio and ratio != 1.0:
                self.broker.split(symbol, ratio, session.open)


def make_desk(loaded: LoadedConfig, archive: Archive) -> TradingDesk | None:
    """What trades a config's finds; None where it has no strategies. Raises StrategyError and ConfigError."""
    if not any(strategy.enabled for strategy in loaded.config.strategies):
        return None
    return TradingDesk(loaded.config, archive, base_interval(loaded, archive))


class _EveryBar:
    """The end of every bar of regular hours, whatever the session."""

    def __init__(self, base: Interval):
        self._base = base

    def ticks(self, session: Session) -> Ints:
        """int64[ticks], microseconds."""
        return instants_of(session, self._base)[1:]
