"""Which expressions may be evaluated for all ticks of a session at once, and cross-sectional
helpers.

A session's cross-sections are stacked into one frame, one row a tick and symbol. Evaluating an
expression on the stack gives what evaluating it tick by tick gives only if no row can look at a row
of another tick. That holds for element-wise operations and for anything inside `.over("tick")`; an
expression is taken for safe only when every node of it is known to be so, and is otherwise
evaluated tick by tick, on that tick's rows alone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import polars as pl

from engine.errors import ScannerError
from engine.scan.nesting import refuse_deep

# Element-wise functions by the name Polars serializes them under; what is not here is evaluated
# tick by tick.
ELEMENTWISE = frozenset(
    "Abs Negate Clip FillNull Coalesce MaxHorizontal MinHorizontal SumHorizontal MeanHorizontal "
    "Round Floor Ceil Sign"
    " Pow Exp Log Log1p Sqrt Cbrt IsBetween IsNull IsNotNull IsNan IsNotNan IsFinite IsInfinite "
    "Not AllHorizontal"
    " AnyHorizontal IsIn".split()
)
PASSING = frozenset({"BinaryExpr", "Ternary", "Cast", "Alias"})
ARITHMETIC = frozenset(
    "Plus Minus Multiply Divide TrueDivide FloorDivide Modulus".split()
)  # of BinaryExpr
KINDS = frozenset(
    "Alias Column Selector Literal BinaryExpr Cast Sort Gather SortBy Agg Ternary Function "
    "Explode Filter Over Rolling Slice Len"
    " AnonymousFunction Eval Element SubPlan KeepName RenameAlias Field StructEval".split()
)  # of nodes
SETTINGS = {
    "Cast": ("dtype",),
    "Function": ("function",),
    "Over": ("partition_by", "order_by", "mapping"),
    "Literal": (None,),
}


def universe_rank(expression: pl.Expr, descending: bool = True) -> pl.Expr:
    """Rank among the universe's symbols at the tick: 1 is the largest (or, not descending, the
    smallest).

    Ties share the smaller rank; symbols without a value have none.
    """
    return expression.rank("min", descending=descending).over("tick")


def universe_percentile(expression: pl.Expr) -> pl.Expr:
    """Share of the universe's symbols at the tick whose value is at most this one, 0 to 1."""
    return (expression.rank("max") / expression.count()).over("tick")


def universe_zscore(expression: pl.Expr) -> pl.Expr:
    """Distance from the universe's mean at the tick in its standard deviations (population).

    None where all values are equal.
    """
    spread = pl.when(expression.max() > expression.min()).then(
        expression.std(ddof=0)
    )  # which of equal values may round to above 0
    return ((expression - expression.mean()) / spread).over("tick")


def universe_mean(expression: pl.Expr) -> pl.Expr:
    """Mean over the universe's symbols at the tick."""
    return expression.mean().over("tick")


def universe_quantile(expression: pl.Expr, quantile: float) -> pl.Expr:
    """Quantile (0 to 1, linear) over the universe's symbols at the tick."""
    return expression.quantile(quantile, "linear").over("tick")


def nodes(expression: pl.Expr) -> Any:
    """The expression's tree as Polars serializes it, or None where it cannot (a Python function in
    it).

    A node is a dictionary of one item, kind -> body. Literals that are not finite, which JSON does
    not have, are quotients in it.
    """
    try:
        text = expression.meta.serialize(format="json")
    except (pl.exceptions.PolarsError, ValueError):
        return None
    refuse_deep(text)
    tree = json.loads(text)
    return (
        _with_infinities(tree, expression)
        if '"Float":null' in text or '"Float64":null' in text
        else tree
    )


def expression_of(node: Any) -> pl.Expr:
    """The expression of a tree."""
    return pl.Expr.deserialize(io.StringIO(json.dumps(node)), format="json")


def with_parts(node: Any, other: Callable[[Any], Any]) -> Any:
    """A copy of a node with its children mapped, except those that name groups of rows."""
    ((kind, body),) = node.items()
    return {kind: _replaced(body, other, SETTINGS.get(kind, ()))}


def _replaced(body: Any, other: Callable[[Any], Any], left_out: tuple[str | None, ...] = ()) -> Any:
    if None in left_out:
        return body
    if isinstance(body, list):
        return [_replaced(one, other) for one in body]
    if not isinstance(body, dict):
        return body
    if len(body) == 1 and next(iter(body)) in KINDS:
        return other(body)
    return {
        key: value if key in left_out else _replaced(value, other) for key, value in body.items()
    }


def is_infinity(node: Any) -> bool:
    """Whether a node is what `nodes` has for an infinite literal."""
    return node in (_quotient(1.0), _quotient(-1.0))


def _quotient(above: float) -> Any:
    left, right = ({"Literal": {"Dyn": {"Float": value}}} for value in (above, 0.0))
    return {"BinaryExpr": {"left": left, "op": "TrueDivide", "right": right}}


def _with_infinities(node: Any, expression: pl.Expr) -> Any:
    """The tree with what its literals without a value are: `expression` is what the tree is of, and
    is taken apart beside it.
    """
    match node:
        case {"Literal": {"Dyn": {"Float": None}} | {"Scalar": {"Float64": None}}}:
            value = pl.select(expression).item()
            return _quotient(0.0 if value != value else 1.0 if value > 0 else -1.0)
    inputs = expression.meta.pop()[::-1]
    if "Ternary" in node:  # whose condition Polars hands out last
        inputs = inputs[-1:] + inputs[:-1]
    left = iter(inputs)
    return with_parts(node, lambda part: _with_infinities(part, next(left)))


def is_elementwise(expression: pl.Expr) -> bool:
    """Whether each row's value depends on that row alone."""
    return _safe(nodes(expression), grouped=False)


def stays_in_tick(expression: pl.Expr) -> bool:
    """Whether the value of each row depends only on rows of the same tick."""
    return _safe(nodes(expression), grouped=True)


def roots(expression: pl.Expr, where: str) -> list[str]:
    """The columns an expression names; refuses what is no expression over named columns."""
    if not isinstance(expression, pl.Expr):
        raise ScannerError(
            f"{expression!r} is not an expression",
            where=where,
            expected="a polars expression such as pl.col('close') > 5",
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
        return (
            grouped
            and {"Column": "tick"} in body["partition_by"]
            and body["mapping"] == "GroupsToRows"
        )
    if kind == "Function":
        return function_name(body["function"]) in ELEMENTWISE and all(
            _safe(i, grouped) for i in body["input"]
        )
    return kind in PASSING and all(_safe(child, grouped) for child in _children(kind, body))


def _children(kind: str, body: Any) -> list[Any]:
    if kind == "Alias":
        return [body[0]]
    names = {
        "BinaryExpr": ("left", "right"),
        "Ternary": ("predicate", "truthy", "falsy"),
        "Cast": ("expr",),
    }[kind]
    return [body[name] for name in names]


def function_name(function: Any) -> str:
    """ "Abs", {"Clip": {...}}, {"Boolean": "IsNan"}, {"Boolean": {"IsBetween": {...}}} -> the
    innermost name.
    """
    if not isinstance(function, dict):
        return str(function)
    ((name, inner),) = function.items()
    return function_name(inner) if name == "Boolean" else str(name)
