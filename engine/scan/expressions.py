"""Which expressions may be evaluated for all ticks of a session at once, and cross-sectional helpers.

A session's cross-sections are stacked into one frame, one row a tick and symbol. Evaluating an expression on the
stack gives what evaluating it tick by tick gives only if no row can look at a row of another tick. That holds for
element-wise operations and for anything inside `.over("tick")`; an expression is taken for safe only when every
node of it is known to be so, and is otherwise evaluated tick by tick, on that tick's rows alone.
"""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from engine.errors import ScannerError
from engine.scan.nesting import refuse_deep

# Element-wise functions by the name Polars serializes them under; what is not here is evaluated tick by tick.
ELEMENTWISE = frozenset(
    "Abs Negate Clip FillNull Coalesce MaxHorizontal MinHorizontal SumHorizontal MeanHorizontal Round Floor Ceil Sign"
    " Pow Exp Log Log1p Sqrt Cbrt IsBetween IsNull IsNotNull IsNan IsNotNan IsFinite IsInfinite Not AllHorizontal"
    " AnyHorizontal IsIn".split()
)
PASSING = frozenset({"BinaryExpr", "Ternary", "Cast", "Alias"})


def universe_rank(expression: pl.Expr, descending: bool = True) -> pl.Expr:
    """Rank among the universe's symbols at the tick: 1 is the largest (or, not descending, the smallest).

    Ties share the smaller rank; symbols without a value have none.
    """
    return expression.rank("min", descending=descending).over("tick")


def universe_percentile(expression: pl.Expr) -> pl.Expr:
    """Share of the universe's symbols at the tick whose value is at most this one, 0 to 1."""
    return (expression.rank("max") / expression.count()).over("tick")


def universe_zscore(expression: pl.Expr) -> pl.Expr:
    """Distance from the universe's mean at the tick in its standard deviations (population)."""
    return ((expression - expression.mean()) / expression.std(ddof=0)).over("tick")


def universe_mean(expression: pl.Expr) -> pl.Expr:
    """Mean over the universe's symbols at the tick."""
    return expression.mean().over("tick")


def universe_quantile(expression: pl.Expr, quantile: float) -> pl.Expr:
    """Quantile (0 to 1, linear) over the universe's symbols at the tick."""
    return expression.quantile(quantile, "linear").over("tick")


def nodes(expression: pl.Expr) -> Any:
    """The expression's tree as Polars serializes it, or None where it cannot (a Python function in it)."""
    try:
        text = expression.meta.serialize(format="json")
        refuse_deep(text)
        return json.loads(text)
    except (pl.exceptions.PolarsError, ValueError):
        return None


def is_elementwise(expression: pl.Expr) -> bool:
    """Whether each row's value depends on that row alone."""
    return _safe(nodes(expression), grouped=False)


def stays_in_tick(expression: pl.Expr) -> bool:
    """Whether each row's value depends on rows of its own tick alone, whatever frame it is evaluated on."""
    return _safe(nodes(expression), grouped=True)


def roots(expression: pl.Expr, where: str) -> list[str]:
    """The columns an expression names; refuses what is no expression over named columns."""
    if not isinstance(expression, pl.Expr):
        raise ScannerError(
            f"{expression!r} is not an expression", where=where, expected="a polars expression such as pl.col('close') > 5"
        )
    return list(dict.fromkeys(expression.meta.root_names()))


def _safe(node: Any, grouped: bool) -> bool:
    if not isinstance(node, dict) or len(node) != 1:
        return False
    ((kind, body),) = node.items()
    if kind == "Column":
        return True
    if kind == "Literal":
        return "Series" not in body  # a literal series has a length of its own
    if kind == "Over":
        return grouped and {"Column": "tick"} in body["partition_by"] and body["mapping"] == "GroupsToRows"
    if kind == "Function":
        return _function_name(body["function"]) in ELEMENTWISE and all(_safe(i, grouped) for i in body["input"])
    return kind in PASSING and all(_safe(child, grouped) for child in _children(kind, body))


def _children(kind: str, body: Any) -> list[Any]:
    if kind == "Alias":
        return [body[0]]
    names = {"BinaryExpr": ("left", "right"), "Ternary": ("predicate", "truthy", "falsy"), "Cast": ("expr",)}[kind]
    return [body[name] for name in names]


def _function_name(function: Any) -> str:
    """ "Abs", {"Clip": {...}}, {"Boolean": "IsNan"}, {"Boolean": {"IsBetween": {...}}} -> the innermost name."""
    if not isinstance(function, dict):
        return str(function)
    ((name, inner),) = function.items()
    return _function_name(inner) if name == "Boolean" else str(name)
