"""What a columnar scanner declared, checked once and laid out for evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from engine.errors import IndicatorError, ScannerError
from engine.indicators.key import IndicatorKey, parse_column
from engine.runtime.recursion import room_to_recurse
from engine.scan.columns import COLUMNS, at_the_tick, previous_of, require_known
from engine.scan.expressions import is_elementwise, roots, stays_in_tick
from engine.scan.filter_program import Steps, steps_of, value_steps_of
from engine.scan.missing import without_nan

RESERVED = frozenset(
    {
        "session",
        "tick",
        "scanner",
        "symbol",
        "rank",
        "promoted",
        "scan_type",
        "scanned",
        "qualified",
    }
)


@dataclass(frozen=True, eq=False)
class Clause:
    """A named expression, to which NaN is missing, the columns it reads, and how it may be
    evaluated; equal to itself alone.

    elementwise    on any rows
    stays_in_tick  on all ticks of a session at once, given all rows of the universe
    steps          without a frame, where it is a condition as most are (see program)
    value_steps    without a frame, where it is a number made of numbers
    """

    name: str
    expression: pl.Expr
    columns: tuple[str, ...]
    elementwise: bool
    stays_in_tick: bool
    steps: Steps | None
    value_steps: Steps | None

    @property
    def holds(self) -> pl.Expr:
        """The expression as a condition: it does not hold where a value is missing."""
        return self.expression.fill_null(False)

    @classmethod
    def of(cls, name: str, expression: pl.Expr, where: str) -> Clause:
        """Check an expression and find out how it may be evaluated."""
        columns = tuple(roots(expression, f"{where}, {name!r}"))
        with room_to_recurse():
            named = without_nan(expression, f"{where}, {name!r}").alias(name)
            return cls(
                name,
                named,
                columns,
                is_elementwise(named),
                stays_in_tick(named),
                steps_of(named),
                value_steps_of(named),
            )


@dataclass(frozen=True)
class ScanPlan:
    """clauses all must hold, in their order.

    Features are logged with each hit; the best `limit` by rank are kept.

    session_limit  of a session only the first so many symbols are kept, each at its first hit
    """

    clauses: tuple[Clause, ...]
    features: tuple[Clause, ...]
    rank_by: Clause | None
    descending: bool
    limit: int | None
    session_limit: int | None
    indicators: tuple[IndicatorKey, ...]

    @classmethod
    def build(
        cls,
        where: str,
        criteria: Mapping[str, pl.Expr],
        features: Mapping[str, pl.Expr],
        rank_by: str | pl.Expr | None,
        descending: bool,
        limit: int | None,
        session_limit: int | None,
        indicators: Iterable[IndicatorKey],
    ) -> ScanPlan:
        """Lay out a scanner's declarations.

        Raises ScannerError naming the scanner and the clause.
        """
        if not criteria:
            raise ScannerError(
                "criteria() names no clause", where=where, expected="at least one named expression"
            )
        _refuse_reserved({**criteria, **features}, where)
        clauses = tuple(Clause.of(name, e, where) for name, e in criteria.items())
        shown = tuple(Clause.of(name, e, where) for name, e in features.items())
        rank = (
            None
            if rank_by is None
            else Clause.of("rank_by", rank_expression(rank_by, features), where)
        )
        parts = (*clauses, *shown, *((rank,) if rank else ()))
        keys = indicators_named(indicators, columns_of(parts))
        provisioned = {column for key in keys for column in key.columns}
        for part in parts:
            for column in part.columns:
                require_known(column, provisioned, f"{where}, {part.name!r}")
        return cls(clauses, shown, rank, descending, limit, session_limit, keys)

    @property
    def parts(self) -> tuple[Clause, ...]:
        """Everything that is evaluated."""
        return (*self.clauses, *self.features, *((self.rank_by,) if self.rank_by else ()))

    @property
    def columns(self) -> set[str]:
        """All columns that are computed for it."""
        return set(columns_of(self.parts))

    @property
    def columns_before(self) -> set[str]:
        """The columns of which it reads the value at the tick before."""
        return columns_before(self.parts)

    @property
    def columns_everywhere(self) -> set[str]:
        """The columns that are read of every symbol: those of the first clause, and of what
        compares the symbols of a tick.
        """
        whole = [part for part in self.parts if not part.elementwise]
        return set(columns_of((self.clauses[0], *whole)))

    @property
    def session_at_once(self) -> bool:
        """Whether all ticks of a session can be evaluated in one go without seeing each other."""
        return all(part.stays_in_tick for part in self.parts)


def columns_of(parts: Iterable[Clause]) -> list[str]:
    """Columns that are computed for clauses, each once, in the order of the clauses."""
    return list(dict.fromkeys(at_the_tick(column) for part in parts for column in part.columns))


def columns_before(parts: Iterable[Clause]) -> set[str]:
    """The columns of which clauses read the value at the tick before."""
    return {
        name
        for part in parts
        for column in part.columns
        if (name := previous_of(column)) is not None
    }


def _refuse_reserved(named: Mapping[str, pl.Expr], where: str) -> None:
    for name in named:
        if name in RESERVED:
            raise ScannerError(
                f"{name!r} is a column of the logs",
                where=where,
                fix="name the clause or feature otherwise",
            )


def rank_expression(rank_by: str | pl.Expr, features: Mapping[str, pl.Expr]) -> pl.Expr:
    """What hits are ranked by: a feature of this name, else a column; or the expression."""
    if isinstance(rank_by, str):
        return features[rank_by] if rank_by in features else pl.col(rank_by)
    return rank_by


def indicators_named(
    declared: Iterable[IndicatorKey | str], named: Iterable[str]
) -> tuple[IndicatorKey, ...]:
    """The declared indicators, and those that an expression names by their key."""
    parsed = (IndicatorKey.parse(key) if isinstance(key, str) else key for key in declared)
    keys = {key.name: key for key in parsed}
    for column in named:
        if column not in COLUMNS:
            try:
                key, _ = parse_column(column)
            except IndicatorError:
                continue  # reported as an unknown column, with near names
            if column in key.columns:
                keys.setdefault(key.name, key)
    return tuple(keys.values())
