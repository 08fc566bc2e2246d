"""TradingDesk: one account and the strategies that share it, through the sessions of a run.

1. `begin_session`  interest, corporate actions, write-offs; then the session is laid out
2. `advance`        decisions and fills up to a time (engine/trading/desk_session.py)
3. `end_session`    the last decisions, at the close; the session's tables
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from engine.archive.archive import Archive
from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.clock.schedule import AtClose
from engine.clock.time_manager import utc
from engine.config.load import LoadedConfig
from engine.config.models import SessionConfig
from engine.indicators.key import IndicatorKey
from engine.panel.bars import Ints
from engine.scan.columns import COLUMNS
from engine.scan.cross_section import CrossSection
from engine.scan.ticks import Scheduled, TickTable
from engine.session.scope import base_interval
from engine.session.trader import Found, SessionInputs, TableRows
from engine.trading.bar_feed import instants_of
from engine.trading.broker_account import Broker
from engine.trading.broker_tables import TradingTables
from engine.trading.desk_session import DeskSession, tell_of_locks
from engine.trading.finds import ScannerCodes, note_found
from engine.trading.strategy_runtime import StrategyRuntime


class TradingDesk:
    """A Trader for the session coordinator.

    session  the current session's desk, or that of the session before
    """

    def __init__(self, config: SessionConfig, archive: Archive, base: Interval):
        self.base = base
        self._every_bar = every_bar(base)
        enabled = [one for one in config.strategies if one.enabled]
        self.slots = [
            StrategyRuntime.load(one, index, self._every_bar) for index, one in enumerate(enabled)
        ]
        self.broker = Broker(config.account, config.costs, [slot.terms for slot in self.slots])
        self._tables, self._codes = TradingTables(self.broker), ScannerCodes()
        self._actions = DatedActions(archive.corporate_actions())
        self._sessions, self._last_date = 0, dt.date.min
        self._before_open: Found = {}  # what scans that could not be foreseen found before the open
        self.session: DeskSession | None = None
        self._is_open = False

    # -- what it needs of the run

    @property
    def columns(self) -> set[str]:
        """Columns that strategies read; all of them, for a strategy with code of its own."""
        if any(slot.plan is None for slot in self.slots):
            return set(COLUMNS)
        return {
            "close",
            *(column for slot in self.slots if slot.plan for column in slot.plan.columns),
        }

    @property
    def columns_before(self) -> set[str]:
        """The columns of which strategies read the value at the tick before."""
        return {column for slot in self.slots if slot.plan for column in slot.plan.columns_before}

    @property
    def keys(self) -> list[IndicatorKey]:
        """The indicators that strategies read."""
        return [key for slot in self.slots for key in slot.keys]

    @property
    def failures(self) -> int:
        """How many times a strategy raised an error."""
        return sum(len(slot.errors) for slot in self.slots)

    def ticks(self, base: Interval, sessions: Sequence[Session]) -> TickTable:
        """The strategies' ticks; with code of its own, a strategy may decide at any bar's end."""
        parts: list[Scheduled] = [schedule for slot in self.slots for schedule in slot.schedules]
        if any(slot.plan is None for slot in self.slots):
            parts.append(self._every_bar)
        return TickTable(parts, True, sessions)

    # -- the session

    def begin_session(self, inputs: SessionInputs) -> None:
        """Begin a session at its open, after the pre-session scans."""
        session = inputs.batch.panel.session
        self.broker.begin_session(
            self._sessions, (session.date - self._last_date).days if self._sessions else 0
        )
        self._act_on_splits_and_dividends(session)
        self.broker.write_off(session.open)
        tell_of_locks(self.broker, inputs.data)
        self._sessions, self._last_date = self._sessions + 1, session.date
        found, self._before_open = self._before_open, {}
        self.session = DeskSession(
            inputs, self.slots, self.broker, base=self.base, codes=self._codes, found=found
        )
        self._is_open = True
        self.session.open()

    def found(self, scanner: str, symbols: Sequence[str], now: int) -> None:
        """Take in the hits of a scan that was not known when the session began."""
        if self.session and self._is_open:
            self.session.found(scanner, symbols, now)
        else:
            note_found(self._before_open, scanner, symbols, now)

    def advance(self, time: int) -> None:
        """Process everything before `time`; the decisions at it come after its scans."""
        assert self.session is not None
        self.session.advance(time)

    def end_session(self) -> Mapping[str, TableRows]:
        """Process the rest of the session; returns table name -> its rows."""
        assert self.session is not None
        self.session.finish()
        self._is_open = False
        self.broker.end_session()
        for slot in self.slots:
            if slot.plan:
                slot.plan.end_session()
        return self._tables.session(self._last_date, self.session.equity, self._codes.names)

    def end_run(self) -> Mapping[str, pl.DataFrame]:
        """Table name -> orders and trades that are still open at the last close."""
        assert self.session is not None
        self.broker.end_run(int(self.session.instants[-1]))
        return self._tables.rest(self._last_date, self._codes.names)

    @property
    def close_up(self) -> CrossSection:
        """The cross-sections that columnar strategies read in the current session.

        The active symbols, at the ticks of decisions.
        """
        assert self.session is not None
        return self.session.layout.view.cross

    def states(self) -> dict[str, Any]:
        """Strategy -> the number of its failures and the first ones."""
        return {slot.name: slot.told(utc) for slot in self.slots}

    def _act_on_splits_and_dividends(self, session: Session) -> None:
        """Apply corporate actions with an ex-date since the session before.

        Dividends come first, because they are per share as held before a split.
        """
        if self._sessions == 0:
            return
        known = set(self.broker.symbols)
        for symbol, ratio, cash in self._actions.due(self._last_date, session.date):
            if symbol in known:
                act_on(self.broker, symbol, ratio, cash, session.open)


class DatedActions:
    """An archive's corporate actions, looked up by date."""

    def __init__(self, actions: pl.DataFrame):
        self._rows = list(actions.sort("ex_date", "symbol").iter_rows())
        self._ex_dates = [ex_date for _, ex_date, *_ in self._rows]

    def due(self, last: dt.date, date: dt.date) -> list[tuple[str, float | None, float | None]]:
        """(symbol, split ratio, dividend) of actions with last < ex-date <= date."""
        first, end = (bisect_right(self._ex_dates, day) for day in (last, date))
        return [(symbol, ratio, cash) for symbol, _, ratio, cash in self._rows[first:end]]


def act_on(broker: Broker, symbol: str, ratio: float | None, cash: float | None, now: int) -> None:
    """Apply a symbol's dividend, then its split: dividends are per share as held before."""
    if cash:
        broker.dividend(symbol, cash)
    if ratio and ratio != 1.0:
        broker.split(symbol, ratio, now)


def make_desk(loaded: LoadedConfig, archive: Archive) -> TradingDesk | None:
    """The trading desk of a config; None for a config without strategies.

    Raises StrategyError and ConfigError.
    """
    if not any(strategy.enabled for strategy in loaded.config.strategies):
        return None
    return TradingDesk(loaded.config, archive, base_interval(loaded, archive))


def every_bar(base: Interval) -> Scheduled:
    """The schedule of a strategy without one: the end of every bar."""
    return AtClose() if base.is_daily else EveryBar(base)


class EveryBar:
    """A schedule with a tick at the end of every regular-hours bar."""

    def __init__(self, base: Interval):
        self._base = base

    def ticks(self, session: Session) -> Ints:
        """int64[ticks], microseconds."""
        return instants_of(session, self._base)[1:]
