"""One session laid out for accounts that see the same of it: each expression evaluated once, a walk
for each choice of them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import polars as pl

from engine.sweep.accounts import NOTHING_BEFORE, Account, Walk
from engine.sweep.shared_signals import Family, FamilySignals, MergedSignals
from engine.trading.broker import records
from engine.trading.broker.records import BarFeed
from engine.trading.session_layout import SignalMaker
from engine.trading.signal_plan import SignalRows
from engine.trading.strategy_runtime import StrategyRuntime

log = logging.getLogger("barsweep")
TAG = "[SWEEP]"
NO_SIGNALS = np.zeros(0, records.SIGNAL)
PartKey = tuple[int, int, int]  # strategy, set of conditions, what held before (an object's id)


class LaidSession:
    """Conditions and prices of all accounts' strategies over one session.

    maker     the session's close-up, and who is found when
    families  the strategies
    accounts  that hold alike
    feed      the bars
    """

    def __init__(
        self,
        maker: SignalMaker,
        families: Sequence[Family],
        accounts: Sequence[Account],
        feed: BarFeed,
    ):
        self._maker, self._families, self._accounts, self._feed = maker, families, accounts, feed
        self._rows: dict[tuple[int, bool, bool], SignalRows] = {}
        self._parts: dict[PartKey, FamilySignals | None] = {}

    def walks(self) -> list[Walk]:
        """One for each choice of conditions."""
        chosen = [self._keys(account) for account in self._accounts]
        self._evaluate(chosen)
        prices = self._maker.view.cross.values("close")[0]
        walks: dict[tuple[PartKey | None, ...], Walk] = {}
        for account, keys in zip(self._accounts, chosen, strict=True):
            columns, works = self._columns(account, keys)
            if works not in walks:
                parts = [None if key is None else self._parts[key] for key in works]
                merged = MergedSignals.of(parts, NO_SIGNALS)
                walks[works] = Walk(self._feed, self._maker.codes, prices, merged)
            walks[works].accounts.append((account, columns))
        return list(walks.values())

    def _keys(self, account: Account) -> list[PartKey]:
        """Of each strategy of an account, its conditions, which are evaluated."""
        keys = []
        for strategy, block in enumerate(account.blocks):
            family = self._families[strategy]
            plan = family.slots[block].plan
            edge = plan is not None and plan.edge
            before = id(account.before[strategy]) if edge else 0
            key = (strategy, family.rules[block], before)
            if key not in self._parts:
                slot = family.plans[family.rules[block]]
                self._parts[key] = self._part(slot, account)
            keys.append(key)
        return keys

    def _part(self, slot: StrategyRuntime, account: Account) -> FamilySignals | None:
        """What a strategy's conditions ask for; None where they cannot be evaluated."""
        try:
            return FamilySignals.of(
                self._maker, slot, self._rows_of(slot), account.before[slot.index]
            )
        except pl.exceptions.PolarsError as error:
            log.error("%s %s failed: %s", TAG, slot.name, error)
            return None

    def _rows_of(self, slot: StrategyRuntime) -> SignalRows:
        assert slot.plan is not None
        key = (slot.index, slot.plan.edge, bool(slot.plan.columns_before))
        if key not in self._rows:
            self._rows[key] = self._maker.rows(slot)
        return self._rows[key]

    def _evaluate(self, chosen: Sequence[Sequence[PartKey]]) -> None:
        """The prices of all accounts, each expression once for each set of conditions."""
        needed: dict[PartKey, set[int]] = {}
        for account, keys in zip(self._accounts, chosen, strict=True):
            for key, block in zip(keys, account.blocks, strict=True):
                own = self._families[key[0]].columns[block]
                needed.setdefault(key, set()).update(own.values())
        for key, numbers in needed.items():
            part = self._parts[key]
            if part is not None:
                part.evaluate(self._families[key[0]].clauses, sorted(numbers))

    def _columns(
        self, account: Account, keys: Sequence[PartKey]
    ) -> tuple[list[dict[str, int]], tuple[PartKey | None, ...]]:
        """Of each strategy its prices' expressions, and its conditions: None where it is left out,
        for one of them failed.
        """
        columns: list[dict[str, int]] = []
        works: list[PartKey | None] = []
        for key, block in zip(keys, account.blocks, strict=True):
            part, own = self._parts[key], self._families[key[0]].columns[block]
            fails = part is None or any(part.columns[number] is None for number in own.values())
            account.failures += fails
            account.before[key[0]] = part.latest if part else NOTHING_BEFORE
            columns.append(own)
            works.append(None if fails else key)
        return columns, tuple(works)
