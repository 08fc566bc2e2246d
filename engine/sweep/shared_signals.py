"""Signals of strategies in all parameters that variants give them: each distinct expression is
evaluated once a session.

1. `Family`          one strategy of the config: its distinct parameters, conditions and price
                     expressions
2. `FamilySignals`   what one set of conditions asks for in a session, and the price expressions at
                     its entries
3. `MergedSignals`   the signals of all strategies as the broker walks them, for one choice of
                     conditions
4. `SignalBuffer`    a copy of those, into which the prices of a variant are written
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from engine.config.models import StrategyConfig
from engine.panel.bars import Floats, Ints
from engine.scan.clause_evaluation import at_least_two
from engine.scan.scan_plan import Clause
from engine.scan.ticks import Scheduled
from engine.trading.rules import Records
from engine.trading.session_layout import SignalMaker
from engine.trading.signal_plan import (
    PRICES,
    RULES,
    Conditions,
    HeldBefore,
    SignalPlan,
    SignalRows,
    Signals,
    as_field,
)
from engine.trading.strategy_runtime import StrategyRuntime

FIELDS = (*PRICES, "size")


@dataclass(frozen=True)
class Family:
    """One strategy of a config with each block of parameters that variants give it.

    slots    a slot for each block of parameters
    rules    of each slot, the number of its set of conditions
    plans    a slot for each set of conditions
    columns  of each slot: field of a signal -> number of its expression
    clauses  the distinct expressions of prices and sizes
    """

    slots: list[StrategyRuntime]
    rules: list[int]
    plans: list[StrategyRuntime]
    columns: list[dict[str, int]]
    clauses: list[Clause]

    @classmethod
    def of(cls, configs: Sequence[StrategyConfig], index: int, every_bar: Scheduled) -> Family:
        """Of the strategy's distinct blocks; `index` is its place among the enabled ones."""
        family, rules, clauses = cls([], [], [], [], []), dict[Hashable, int](), dict[Any, int]()
        for config in configs:
            slot = StrategyRuntime.load(config, index, every_bar)
            family.slots.append(slot)
            if slot.plan is None:
                continue
            key = _rules_key(slot.plan)
            if key not in rules:
                rules[key] = len(family.plans)
                family.plans.append(slot)
            family.rules.append(rules[key])
            own = {}
            for part in () if slot.plan.weights else slot.plan.prices:
                name = _identity(part)
                if name not in clauses:
                    clauses[name] = len(family.clauses)
                    family.clauses.append(part)
                own[part.name] = clauses[name]
            family.columns.append(own)
        return family

    @property
    def by_columns(self) -> bool:
        """Whether the strategy is columnar in all its parameters: one that decides bar by bar
        cannot be shared.
        """
        return all(slot.plan is not None for slot in self.slots)


def block_key(config: StrategyConfig) -> str:
    """What tells a strategy's blocks of parameters apart.

    Limits of the broker's are not among it.
    """
    return json.dumps(config.config, sort_keys=True, default=repr)


def _rules_key(plan: SignalPlan) -> Hashable:
    """What conditions depend on: expressions, their names, and which rows they are evaluated on."""
    named = [(kind, _identity(part)) for kind in RULES for part in plan.rules[kind]]
    others = [_identity(part) if part else None for part in (plan.weights, plan.rank)]
    return (plan.edge, bool(plan.columns_before), tuple(named), tuple(others))


def _identity(part: Clause) -> Hashable:
    """The same for clauses of the same name and expression.

    An expression that cannot be written down is alone.
    """
    try:
        return part.name, part.expression.meta.serialize()
    except (pl.exceptions.PolarsError, ValueError, TypeError):
        return part.name, id(part)


@dataclass
class FamilySignals:
    """What one set of conditions asks for in a session.

    rows     the rows that were looked at
    found    of these, the ones that are signals
    latest   what holds at each symbol's last row
    records  SIGNAL[signals] by instant and rank, without prices
    entries  int64[entries], which records open a position
    sources  int64[entries], which of `found.kept` each of them is
    columns  number of an expression -> float64[entries], None where it cannot be evaluated
    """

    rows: SignalRows
    found: Conditions
    latest: HeldBefore
    records: Records
    entries: Ints
    sources: Ints
    columns: dict[int, Floats | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls, maker: SignalMaker, slot: StrategyRuntime, rows: SignalRows, last: HeldBefore
    ) -> FamilySignals:
        """Evaluate conditions. Raises PolarsError."""
        plan = slot.plan
        assert plan is not None
        found, latest = plan.conditions(rows, maker.broker.reason_code, last)
        rank = rows.prices([plan.rank], found)["rank"] if plan.rank and not plan.weights else None
        signals = Signals(
            rows.tick_ids[found.kept], rows.symbol_ids[found.kept], found.fields, rank
        )
        made, order = maker.ordered(slot, signals)
        entries = np.flatnonzero(made["side"] != 0)
        return cls(rows, found, latest, made, entries, order[entries])

    def evaluate(self, clauses: Sequence[Clause], numbers: Sequence[int]) -> None:
        """Evaluate the expressions of these numbers at the entries, each once."""
        new = [number for number in numbers if number not in self.columns]
        for elementwise in (True, False):
            some = [number for number in new if clauses[number].elementwise is elementwise]
            if some:
                self._evaluate(clauses, some, elementwise)

    def _evaluate(
        self, clauses: Sequence[Clause], numbers: Sequence[int], elementwise: bool
    ) -> None:
        kept, found = self.found.kept, self.found
        parts = [clauses[number] for number in numbers]
        names = {column for part in parts for column in part.columns}
        own = kept[self.sources] if elementwise else None
        side = found.side if own is None else found.side[own]
        frame = self.rows.frame(names, own)
        frame = frame.with_columns(pl.Series("side", side, dtype=pl.Float64))
        values = _columns(parts, frame)
        for number, part, of_rows in zip(numbers, parts, values, strict=True):
            own_rows = of_rows if elementwise or of_rows is None else of_rows[kept[self.sources]]
            self.columns[number] = None if own_rows is None else as_field(part.name, own_rows)


def _columns(parts: Sequence[Clause], frame: pl.DataFrame) -> list[Floats | None]:
    """float64[rows] of each expression, in one query.

    One by one where that cannot be done, None of those that fail.
    """
    rows, two = len(frame), at_least_two(frame)
    expressions = [
        part.expression.cast(pl.Float64).fill_null(float("nan")).alias(str(number))
        for number, part in enumerate(parts)
    ]
    try:
        found = two.select(expressions)
    except pl.exceptions.PolarsError:
        if len(parts) == 1:
            return [None]
        return [one for part in parts for one in _columns([part], frame)]
    arrays = [column.to_numpy() for column in found]
    return [
        np.broadcast_to(one, rows).copy() if len(one) == 1 and len(two) != 1 else one[:rows]
        for one in arrays
    ]


@dataclass(frozen=True)
class MergedSignals:
    """The signals of all strategies of one choice of conditions.

    records  SIGNAL[signals], by instant and strategy
    parts    of each strategy its signals, None where it failed
    places   of each strategy int64[entries]: where its entries are in `records`
    """

    records: Records
    parts: Sequence[FamilySignals | None]
    places: Sequence[Ints]

    @classmethod
    def of(cls, parts: Sequence[FamilySignals | None], none: Records) -> MergedSignals:
        """`none`: no signal."""
        made = [part.records if part else none for part in parts]
        together = np.concatenate([none, *made])
        order = np.lexsort((together["strategy"], together["instant"]))
        where = np.empty(len(order), np.int64)
        where[order] = np.arange(len(order))
        firsts = np.cumsum([0, *(len(one) for one in made)])
        places = [
            where[first + part.entries] if part else np.empty(0, np.int64)
            for first, part in zip(firsts, parts, strict=False)
        ]
        return cls(together[order], parts, places)


class SignalBuffer:
    """Signals of variants that share conditions: what differs from the variant before is
    written."""

    def __init__(self, merged: MergedSignals):
        self.merged, self.records = merged, merged.records.copy()
        self._there: dict[tuple[int, str], int] = {}

    def put(self, columns: Sequence[dict[str, int]]) -> Records:
        """The signals with the prices of these expressions: of each strategy, field -> number."""
        for strategy, (part, own) in enumerate(zip(self.merged.parts, columns, strict=True)):
            if part is None or not len(part.entries):
                continue
            for name in FIELDS:
                number = own.get(name, -1)
                if self._there.get((strategy, name), -1) == number:
                    continue
                values = part.columns[number] if number >= 0 else np.nan
                self.records[name][self.merged.places[strategy]] = values
                self._there[strategy, name] = number
        return self.records
