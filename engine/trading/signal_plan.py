"""A columnar strategy's declarations, checked once, and its signals in a session.

1. rows        each tick of the strategy with each symbol that it may trade then
2. conditions  entries and exits on all rows; of several that hold the first is the reason
3. prices      limit, stop, bracket, size, rank on the rows of entries, with the column `side`
4. signals     records for the broker, by instant, the best rank first
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.errors import StrategyError
from engine.indicators.key import IndicatorKey
from engine.panel.bars import Floats, Ints
from engine.plug_ins import named_expressions, plug_in_code
from engine.scan.clause_evaluation import values_of
from engine.scan.columns import require_known
from engine.scan.cross_section import CrossSection
from engine.scan.scan_plan import Clause, columns_before, columns_of, indicators_named
from engine.trading.broker import records
from engine.trading.strategy import ColumnarStrategy

Bools = NDArray[np.bool_]
Finder = tuple[
    int, int, int
]  # number of a scanner, when it found a symbol first (-1: none did), its rank then
HeldBefore = dict[
    str, tuple[bool, bool]
]  # symbol -> whether long and short entries held at its last row
NOT_FOUND: Finder = (0, -1, 0)
PRICES = ("limit", "stop", "stop_loss", "take_profit", "trailing_stop")
RULES = ("entries", "short_entries", "exits", "short_exits")


@dataclass
class SignalPlan:
    """rules   kind (entries, exits, ...) -> its named conditions
    prices  expressions of limit, stop, size, ..., named by fields of SIGNAL
    """

    rules: dict[str, list[Clause]]
    prices: list[Clause]
    weights: Clause | None
    rank: Clause | None
    edge: bool
    indicators: tuple[IndicatorKey, ...] = ()
    _last: HeldBefore = field(default_factory=dict)  # of the session before
    _latest: HeldBefore = field(default_factory=dict)  # of this session

    @classmethod
    def build(cls, where: str, strategy: ColumnarStrategy) -> SignalPlan:
        """Check a strategy's declarations; raises StrategyError that names the fault."""
        named = {kind: named_expressions(strategy, kind, where, StrategyError) for kind in RULES}
        rules = {
            kind: [_clause(f"{kind}: {name}", one, where) for name, one in own.items()]
            for kind, own in named.items()
        }
        given = {name: _asked(strategy, name, where) for name in (*PRICES, "size")}
        prices = [_clause(name, one, where) for name, one in given.items() if one is not None]
        weights = _asked(strategy, "weights", where)
        if (weights is None) == (not rules["entries"] and not rules["short_entries"]):
            raise StrategyError(
                "declares entries and weights" if weights is not None else "declares no entries",
                where=where,
                expected="entries() or short_entries(), or weights()",
            )
        weight = None if weights is None else _clause("weight", weights, where)
        rank = None if strategy.rank_by is None else _clause("rank", strategy.rank_by, where)
        plan = cls(rules, prices, weight, rank, strategy.edge)
        plan.indicators = indicators_named(_asked(strategy, "indicators", where), plan.columns)
        if strategy.edge and not all(part.elementwise for part in plan.parts):
            raise StrategyError(
                "edge with columns that compare symbols",
                where=where,
                expected="element-wise operations",
            )
        provisioned = {column for key in plan.indicators for column in key.columns} | {"side"}
        if "side" in plan.columns_before:
            raise StrategyError(
                "previous(side)",
                where=where,
                expected="previous of a column: a side is of the row alone",
            )
        for part in plan.parts:
            for column in part.columns:
                require_known(column, provisioned, f"{where}, {part.name!r}")
        return plan

    @property
    def parts(self) -> list[Clause]:
        """All expressions that are evaluated."""
        rules = [part for kind in RULES for part in self.rules[kind]]
        return [*rules, *self.prices, *(part for part in (self.weights, self.rank) if part)]

    @property
    def columns(self) -> set[str]:
        """All cross-section columns that the expressions read."""
        return set(columns_of(self.parts)) - {"side"}

    @property
    def columns_before(self) -> set[str]:
        """The columns of which the value at the strategy's tick before is read."""
        return columns_before(self.parts)

    def signals(
        self,
        cross: CrossSection,
        tick_ids: Ints,
        symbol_ids: Ints,
        may_enter: Bools,
        code: Callable[[str], int],
    ) -> Signals:
        """The signals of the rows (tick_ids[i], symbol_ids[i]), sorted by tick, then symbol.

        tick_ids, symbol_ids  int64 [rows], indices of the cross-section's ticks and symbols
        may_enter             bool [rows], where entries are taken
        code                  reason -> its number
        """
        rows = SignalRows(cross, tick_ids, symbol_ids, may_enter)
        found, self._latest = self.conditions(rows, code, self._last)
        parts = [] if self.weights else [*self.prices, *([self.rank] if self.rank else [])]
        prices = rows.prices(parts, found)
        rank = prices.pop("rank", None)
        return Signals(
            tick_ids[found.kept], symbol_ids[found.kept], {**found.fields, **prices}, rank
        )

    def conditions(
        self, rows: SignalRows, code: Callable[[str], int], last: HeldBefore
    ) -> tuple[Conditions, HeldBefore]:
        """The entries, exits or weights of the rows.

        code  reason -> its number
        last  for `edge`: symbol -> whether entries held at its last row of the session before

        Returns the conditions, and the new `last` from the last row of each symbol.
        """
        if self.weights:
            weights = _values(self.weights, rows.frame(self.weights.columns))
            kept = np.flatnonzero(~np.isnan(weights) & rows.may_enter)
            return Conditions(np.zeros(len(weights), np.int8), kept, {"weight": weights[kept]}), {}
        frame = rows.frame(
            {column for kind in RULES for part in self.rules[kind] for column in part.columns}
        )
        long, short, exit_long, exit_short = (self._reasons(frame, kind, code) for kind in RULES)
        latest: HeldBefore = {}
        if self.edge:
            held = [
                (reasons > 0) | self._unknown(frame, kind)
                for reasons, kind in ((long, "entries"), (short, "short_entries"))
            ]
            before, latest = _before(rows, held, last)
            long, short = np.where(before[0], 0, long), np.where(before[1], 0, short)
        side = np.where(rows.may_enter, (long > 0).astype(np.int8) - (short > 0), 0).astype(np.int8)
        kept = np.flatnonzero((side != 0) | (exit_long > 0) | (exit_short > 0))
        fields: dict[str, NDArray[np.generic]] = {
            "side": side[kept],
            "reason": np.where(side > 0, long, short)[kept],
            "exit_long": exit_long[kept],
            "exit_short": exit_short[kept],
        }
        return Conditions(side, kept, fields), latest

    def end_session(self) -> None:
        """Keep what held at each symbol's last row, for the edges of the next session."""
        self._last, self._latest = self._latest, {}

    def _reasons(
        self, rows: pl.DataFrame, kind: str, code: Callable[[str], int]
    ) -> NDArray[np.int32]:
        """int32 [rows]: the number of the first condition that holds; 0 for none."""
        found = np.zeros(len(rows), np.int32)
        for part in reversed(self.rules[kind]):
            holds = values_of(part.holds.cast(pl.Boolean), rows)
            found[holds.to_numpy()] = code(part.name.partition(": ")[2])
        return found

    def _unknown(self, rows: pl.DataFrame, kind: str) -> Bools:
        """bool [rows]: whether a condition is null, so that it is not known whether it holds."""
        missing = np.zeros(len(rows), np.bool_)
        for part in self.rules[kind]:
            missing |= values_of(part.expression.is_null(), rows).to_numpy()
        return missing


@dataclass(frozen=True)
class Conditions:
    """The outcome of a strategy's conditions.

    side    int8 [rows]: 1 for a long entry, -1 for a short one, 0 for none
    kept    int64 [signals], the rows that become signals
    fields  field of SIGNAL -> its values [signals]
    """

    side: NDArray[np.int8]
    kept: Ints
    fields: Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class SignalRows:
    """The rows over which a strategy's expressions are evaluated, sorted by tick and symbol.

    tick_ids, symbol_ids  int64 [rows], indices of the cross-section's ticks and symbols
    may_enter             bool [rows], where entries are taken
    """

    cross: CrossSection
    tick_ids: Ints
    symbol_ids: Ints
    may_enter: Bools

    def frame(self, columns: Iterable[str], rows: Ints | None = None) -> pl.DataFrame:
        """Columns at all rows, or at `rows` only."""
        tick_ids, symbol_ids = (
            (self.tick_ids, self.symbol_ids)
            if rows is None
            else (self.tick_ids[rows], self.symbol_ids[rows])
        )
        return self.cross.frame(sorted(set(columns) - {"side"}) or ("tick",), tick_ids, symbol_ids)

    def prices(self, parts: Sequence[Clause], of: Conditions) -> dict[str, Floats]:
        """Field -> float64 [signals]: the expressions of entries at the rows that became signals.

        Expressions that compare symbols are evaluated over all rows first.
        """
        found: dict[str, Floats] = {}
        for elementwise, own in ((True, of.kept), (False, None)):
            some = [part for part in parts if part.elementwise is elementwise]
            if some:
                side = of.side if own is None else of.side[own]
                rows = self.frame({column for part in some for column in part.columns}, own)
                rows = rows.with_columns(pl.Series("side", side, dtype=pl.Float64))
                for part in some:
                    values = _values(part, rows)
                    found[part.name] = values if elementwise else values[of.kept]
        return found


def _before(
    rows: SignalRows, held: Sequence[Bools], last: HeldBefore
) -> tuple[list[Bools], HeldBefore]:
    """bool [rows] for long and for short: whether the entries held at the symbol's row before.

    An unknown value counts as held. Also returned: what held at each symbol's last row.
    """
    tick_ids, symbol_ids, all_names = rows.tick_ids, rows.symbol_ids, rows.cross.table.names
    order = np.lexsort((tick_ids, symbol_ids))
    names = [all_names[symbol] for symbol in symbol_ids[order].tolist()]
    first = np.ones(len(order), np.bool_)
    first[1:] = symbol_ids[order][1:] != symbol_ids[order][:-1]
    before = []
    for number, now in enumerate(held):
        earlier = np.ones(len(order), np.bool_)
        earlier[1:] = now[order][:-1]
        earlier[first] = [
            last.get(names[row], (True, True))[number] for row in np.flatnonzero(first)
        ]
        unsorted = np.empty(len(order), np.bool_)
        unsorted[order] = earlier
        before.append(unsorted)
    last_rows = {symbol: row for row, symbol in enumerate(symbol_ids.tolist())}
    latest = {
        all_names[symbol]: (bool(held[0][row]), bool(held[1][row]))
        for symbol, row in last_rows.items()
    }
    return before, latest


@dataclass(frozen=True)
class Signals:
    """Signals of one strategy: indices of ticks and symbols, fields by name, rank (NaN last)."""

    tick_ids: Ints
    symbol_ids: Ints
    fields: Mapping[str, NDArray[np.generic]]
    rank: Floats | None = None

    def ordered_records(
        self,
        strategy: int,
        ticks: Ints,
        instants: Ints,
        symbols: Ints,
        finders: Mapping[int, Finder],
    ) -> tuple[NDArray[np.void], Ints]:
        """SIGNAL records by instant and rank, and int64 [signals]: which signal each record is.

        ticks     int64 [ticks], microseconds UTC
        instants  int64 [ticks], the number of each tick's instant
        symbols   int64 [symbols], the broker's symbol numbers
        finders   symbol -> (scanner, time, rank) of its first hit: the order without a rank
        """
        made = np.zeros(len(self.tick_ids), records.SIGNAL)
        for name in (*PRICES, "size", "weight"):
            made[name] = np.nan
        for name, values in self.fields.items():
            made[name] = as_field(name, values)
        made["instant"], made["symbol"], made["strategy"] = (
            instants[self.tick_ids],
            symbols[self.symbol_ids],
            strategy,
        )
        finder = np.array(
            [finders[symbol] for symbol in self.symbol_ids.tolist()], np.int64
        ).reshape(-1, 3)
        finder[finder[:, 1] > ticks[self.tick_ids]] = NOT_FOUND  # by then
        made["scanner"], made["found"] = finder[:, 0], finder[:, 1]
        rank = (
            np.zeros(len(self.tick_ids)) if self.rank is None else -self.rank
        )  # NaN is sorted last
        order = np.lexsort((self.symbol_ids, finder[:, 2], finder[:, 1], rank, self.tick_ids))
        return made[order], order


def as_field(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Values as SIGNAL holds them: a declared price without a value becomes 0."""
    return np.where(np.isnan(values), 0.0, values) if name in PRICES else values


def _asked(strategy: ColumnarStrategy, method: str, where: str) -> Any:
    with plug_in_code(f"{method}()", where, StrategyError, getattr(type(strategy), method)):
        return getattr(strategy, method)()


def _clause(name: str, expression: pl.Expr, where: str) -> Clause:
    part = Clause.of(name, expression, where)
    if not part.stays_in_tick:
        raise StrategyError(
            f"{name} may read other instants",
            where=where,
            expected="element-wise operations, and the universe_ helpers",
        )
    return part


def _values(part: Clause, rows: pl.DataFrame) -> Floats:
    """An expression's value in each row, NaN for null."""
    found: Floats = values_of(part.expression.cast(pl.Float64), rows).fill_null(np.nan).to_numpy()
    return found
