"""VariantsDesk: the accounts of many variants over the same sessions, in the place of one run's
trading desk.

1. `begin_session`  what is known of the session is kept: all that scanners will find in it is
                    foreseen
2. `end_session`    `_begun`, `_walks`, `walk_all`: the night, the session laid out once for all
                    accounts that hold alike, the walk
3. `end_run`        trades that are still open
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.clock.calendar import Session
from engine.clock.interval import Interval
from engine.config.models import SessionConfig
from engine.errors import RunError
from engine.indicators.key import IndicatorKey
from engine.scan.ticks import Scheduled, TickTable
from engine.session.trader import SessionInputs, TableRows
from engine.sweep.accounts import Account, SessionBegin, Walk, begin_all, end_all, walk_all
from engine.sweep.laid_session import LaidSession
from engine.sweep.shared_signals import Family, block_key
from engine.trading.bar_feed import instants_of, make_feed
from engine.trading.broker_account import Names
from engine.trading.finds import CONFIG, Finds, ScannerCodes
from engine.trading.session_layout import SignalMaker
from engine.trading.strategy_runtime import StrategyRuntime
from engine.trading.trading_desk import DatedActions, every_bar


def families_of(configs: Sequence[SessionConfig], base: Interval) -> list[Family]:
    """The strategies of configs that differ in their parameters alone."""
    enabled = [[one for one in config.strategies if one.enabled] for config in configs]
    return [
        Family.of(list({block_key(one): one for one in of_all}.values()), index, every_bar(base))
        for index, of_all in enumerate(zip(*enabled, strict=True))
    ]


class VariantsDesk:
    """A Trader for the session coordinator: configs that differ in their strategies' parameters,
    accounts and costs.

    accounts  of each config, in their order
    """

    def __init__(self, configs: Sequence[SessionConfig], archive: Archive, base: Interval):
        self.base, self._names, self._codes = base, Names(), ScannerCodes()
        self._families = families_of(configs, base)
        self._actions = DatedActions(archive.corporate_actions())
        self.accounts = [self._account(config) for config in configs]
        self._sessions, self._last_date, self._close = 0, dt.date.min, 0
        self._inputs: SessionInputs | None = None
        self._active: list[str] = []  # symbols that are active at the session's open

    def _account(self, config: SessionConfig) -> Account:
        blocks, terms = [], []
        for family, one in zip(
            self._families, (one for one in config.strategies if one.enabled), strict=True
        ):
            key = block_key(one)
            block = next(i for i, slot in enumerate(family.slots) if block_key(slot.config) == key)
            blocks.append(block)
            terms.append(family.slots[block].terms_with(one))
        return Account(config, terms, blocks, self._names)

    # -- what it needs of the run

    @property
    def _slots(self) -> list[StrategyRuntime]:
        return [slot for family in self._families for slot in family.slots]

    @property
    def columns(self) -> set[str]:
        """Columns of the vocabulary that the strategies read, in any of their parameters."""
        own = [column for slot in self._slots if slot.plan for column in slot.plan.columns]
        return {"close", *own}

    @property
    def columns_before(self) -> set[str]:
        """The columns of which they read the value at the instant before."""
        return {column for slot in self._slots if slot.plan for column in slot.plan.columns_before}

    @property
    def keys(self) -> list[IndicatorKey]:
        """Indicators that they read."""
        return list({key.name: key for slot in self._slots for key in slot.keys}.values())

    @property
    def failures(self) -> int:
        """How often a strategy of a variant failed."""
        return sum(account.failures for account in self.accounts)

    def ticks(self, base: Interval, sessions: Sequence[Session]) -> TickTable:
        """When strategies decide, which is the same for all variants."""
        parts: list[Scheduled] = [
            schedule for family in self._families for schedule in family.slots[0].schedules
        ]
        return TickTable(parts, True, sessions)

    # -- the session

    def begin_session(self, inputs: SessionInputs) -> None:
        """The session's open, after the pre-session scans."""
        self._inputs, self._active = inputs, inputs.data.get_active_symbols()

    def found(self, scanner: str, symbols: Sequence[str], now: int) -> None:
        """A scan that could not be foreseen found symbols: accounts cannot share what it finds."""
        raise RunError(f"{scanner} scans symbol by symbol", expected="columnar scanners")

    def advance(self, time: int) -> None:
        """Do nothing: `end_session` walks the whole session."""

    def end_session(self) -> Mapping[str, TableRows]:
        """The whole session of all accounts; it has no tables."""
        assert self._inputs is not None
        session = self._inputs.batch.panel.session
        due = []
        if self._sessions:
            known = set(self._names.symbols)
            due = [
                one for one in self._actions.due(self._last_date, session.date) if one[0] in known
            ]
        days = (session.date - self._last_date).days if self._sessions else 0
        begin_all(self.accounts, SessionBegin(self._sessions, days, session.open, due))
        walk_all(self._walks(self._inputs))
        self._sessions, self._last_date, self._close = (
            self._sessions + 1,
            session.date,
            int(instants_of(session, self.base)[-1]),
        )
        self._inputs = None
        return {}

    def end_run(self) -> Mapping[str, pl.DataFrame]:
        """Trades that are still open, as of the last close."""
        end_all(self.accounts, self._close)
        return {}

    # -- laying out

    def _walks(self, inputs: SessionInputs) -> list[Walk]:
        """Accounts that see the same of the session, by what they hold; of these, by conditions."""
        active = self._active
        groups: dict[tuple[tuple[str, ...], Hashable], list[Account]] = {}
        for account in self.accounts:
            groups.setdefault(self._holds(account, inputs, active), []).append(account)
        return [
            walk
            for (carried, _), accounts in groups.items()
            for walk in self._laid(inputs, [*active, *carried], accounts).walks()
        ]

    def _laid(
        self, inputs: SessionInputs, active: Sequence[str], accounts: Sequence[Account]
    ) -> LaidSession:
        """A session for accounts that see the same of it; symbols that are active at its open."""
        session = inputs.batch.panel.session
        finds = Finds(
            {name: dict(symbols) for name, symbols in inputs.found.items()},
            sorted(active),
            inputs.data.get_config_symbols(),
            session.open,
            inputs.batch.cross.table.names,
        )
        broker, instants = accounts[0].broker, instants_of(session, self.base)
        view = inputs.close_up(sorted(finds.active_from))
        codes = np.array(broker.symbol_ids(view.cross.table.names), np.int64)
        maker = SignalMaker(view, codes, finds, self._codes, broker, instants)
        return LaidSession(maker, self._families, accounts, make_feed(view.panel, codes, instants))

    def _holds(
        self, account: Account, inputs: SessionInputs, active: Sequence[str]
    ) -> tuple[tuple[str, ...], Hashable]:
        """What of an account decides which rows it sees: symbols that are active on its account
        alone, and for strategies
        that trade what some scanners find, the symbols that they hold."""
        if not account.carried:
            return (), ()
        names, there = self._names.symbols, set(active)
        carried = [names[code] for code in account.carried]
        configured = set(inputs.data.get_config_symbols())
        held: list[Hashable] = []
        for family in self._families:
            slot = family.slots[0]
            own = account.broker.ledger.positions[slot.index, list(account.carried)]
            busy = (own["quantity"] != 0) | (own["entering"] > 0)
            always = slot.scanners is None or CONFIG in slot.scanners
            held.append(
                slot.scanners is not None
                and tuple(
                    name
                    for name, is_busy in zip(carried, busy.tolist(), strict=True)
                    if is_busy and not (always and name in configured)
                )
            )
        return tuple(sorted(set(carried) - there)), tuple(held)
