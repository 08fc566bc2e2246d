"""Values at the tick before: `previous(x)`, `crosses_above(x, y)`, `crosses_below(x, y)`.

The value of an expression at the tick before is the expression over the columns of the tick before,
so `previous` names those in place of its own: `previous(close - sma_20_1d)` reads `previous(close)`
and `previous(sma_20_1d)`. A cross-section that follows a schedule has them
(`CrossSection.following`). To everything else they are columns like others.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from engine.errors import ScannerError
from engine.scan.columns import previous_name, previous_of
from engine.scan.expressions import expression_of, nodes

OF_THE_ROW = ("symbol", "tick")  # what a row is of, not what is known of it


def previous(expression: pl.Expr) -> pl.Expr:
    """The expression's value at the tick before; null where there is none.

    Raises ScannerError for what is the same at every tick, and for what cannot be looked into.
    """
    tree = nodes(expression) if isinstance(expression, pl.Expr) else None
    if tree is None:
        raise ScannerError(
            f"previous of {expression!r}, which cannot be looked into",
            expected="an expression over columns, without Python functions",
        )
    found: set[str] = set()
    made = expression_of(_renamed(tree, found))
    if not found:
        raise ScannerError(
            "previous of what is the same at every tick", expected="a column in previous(x)"
        )
    return made


def crosses_above(x: pl.Expr, y: pl.Expr | float) -> pl.Expr:
    """Whether x is above y and was not at the tick before."""
    return (_before(x) <= _before(y)) & (x > y)


def crosses_below(x: pl.Expr, y: pl.Expr | float) -> pl.Expr:
    """Whether x is below y and was not at the tick before."""
    return (_before(x) >= _before(y)) & (x < y)


def _before(side: pl.Expr | float) -> pl.Expr | float:
    """A side at the tick before; a constant is the same at every tick."""
    constant = not isinstance(side, pl.Expr) or not side.meta.root_names()
    return side if constant else previous(side)  # type: ignore[arg-type]


def _renamed(node: Any, found: set[str]) -> Any:
    match node:
        case {"Literal": _}:
            return node
        case {"Selector": _}:
            raise ScannerError(
                "previous of several columns at once", expected="each column named by itself"
            )
        case {"Column": str(name)}:
            if name in OF_THE_ROW:
                return node
            if previous_of(name) is not None:
                raise ScannerError(
                    f"previous of {name}",
                    expected="the value of one tick before; earlier ones are not kept",
                )
            found.add(name)
            return {"Column": previous_name(name)}
        case dict():
            return {key: _renamed(value, found) for key, value in node.items()}
        case list():
            return [_renamed(one, found) for one in node]
    return node
