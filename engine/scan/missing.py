"""A value that is not a number is a missing one: expressions in which Polars takes it so.

To Polars NaN is a number, larger than any other: 0 / 0 >= 0.8 holds, and 0 / 0 ranks first.
`without_nan` puts null in place of NaN wherever something other than arithmetic reads a value (a
comparison, a rank, a mean, `is_null`, `coalesce` ...), and at the end. What follows is Kleene's
three-valued logic: a comparison with null is null, so is its `not`, and null holds nowhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import polars as pl

from engine.errors import ScannerError
from engine.scan.columns import dtype_of
from engine.scan.expressions import (
    ARITHMETIC,
    expression_of,
    function_name,
    is_infinity,
    nodes,
    with_parts,
)
from engine.scan.nesting import too_deep

log = logging.getLogger("barsweep")
Node = dict[str, Any]
NULL: Node = {"Literal": {"Scalar": {"Null": "Null"}}}
DEEPEST = 10  # choices of null for NaN within each other: each doubles what is inside
# Functions, by the name Polars serializes them under: of NaN they make NaN; they ask for NaN by
# name; they make none of their own.
PASSING = frozenset("Negate Abs Sign Round Floor Ceil Cbrt Log Log1p Exp".split())
ASKING = frozenset("IsNan IsNotNan IsFinite IsInfinite".split())
MAKING_NONE = frozenset(
    "MaxHorizontal MinHorizontal Coalesce FillNull Shift Max Min First Last".split()
)  # or aggregates
KEEPING = ("Alias", "Ternary", "Over", "Cast")  # kinds of nodes that are NaN where their parts are


def without_nan(expression: pl.Expr, where: str | None = None) -> pl.Expr:
    """The same expression with null for NaN, for any frame whose own missing values are null.

    An expression that calls a Python function cannot be looked into: it is returned as it is, and a
    warning is logged. Raises ScannerError, which names `where`, for what is nested too deep.
    """
    tree = nodes(expression)
    if tree is None:
        log.warning(
            "%s: a Python function is called; to comparisons of its values NaN is larger than any "
            "number, as Polars has it."
            " End the function with .fill_nan(None)",
            where or expression,
        )
        return expression
    made = _Rewriting(expression.meta.root_names(), where).whole(tree)
    if made == tree:
        return expression
    try:
        return expression_of(made)
    except pl.exceptions.ComputeError:  # Polars reads back no tree of more than some 120 levels
        raise too_deep(
            "some 50 at most, where what they come to may not be a number", where
        ) from None


def as_written(expression: pl.Expr) -> pl.Expr:
    """An expression as it was before `without_nan`, to be shown."""
    tree = nodes(expression)
    try:
        return expression if tree is None else expression_of(_stripped(tree))
    except pl.exceptions.ComputeError:  # too deep to be read back: shown as it is
        return expression


def nan_to_null_of(node: Node) -> Node | None:
    """x where a node is null for x that is NaN, else x: as `without_nan` writes it, or
    `x.fill_nan(None)`; else None.
    """
    match node:
        case {
            "Ternary": {
                "predicate": asked,
                "truthy": inner,
                "falsy": {"Literal": {"Scalar": {"Null": "Null"}}},
            }
        }:
            return inner if asked in (_about("IsNotNan", inner), _is_no_nan(inner)) else None
    return None


def _filled_nan_of(node: Node) -> tuple[Node, Node] | None:
    """x and y where a node is `x.fill_nan(y)`."""
    match node:
        case {"Ternary": {"predicate": asked, "truthy": inner, "falsy": other}} if (
            asked == _is_no_nan(inner)
        ):
            return inner, other
    return None


def _fill_nan(node: Node, other: Node) -> Node:
    return {"Ternary": {"predicate": _is_no_nan(node), "truthy": node, "falsy": other}}


def _is_no_nan(node: Node) -> Node:
    return {
        "BinaryExpr": {
            "left": _about("IsNotNan", node),
            "op": "Or",
            "right": _about("IsNull", node),
        }
    }


def _about(name: str, node: Node) -> Node:
    return {"Function": {"input": [node], "function": {"Boolean": name}}}


def _stripped(node: Node) -> Node:
    inner = nan_to_null_of(node)
    return _stripped(inner) if inner is not None else with_parts(node, _stripped)


class _Rewriting:
    """One expression's tree, rewritten from the leaves.

    Each node gives itself rewritten, whether it may be NaN, and how many choices are within each
    other in it.
    """

    def __init__(self, columns: list[str], where: str | None):
        self._where = where
        self._frame = pl.LazyFrame(
            schema={name: dtype_of(name) for name in dict.fromkeys(["tick", *columns])}
        )

    def whole(self, tree: Node) -> Node:
        match tree:
            case {"Alias": [inner, name]}:
                return {"Alias": [self.whole(inner), name]}
        return self._known(*self._of(tree))[0]

    def _of(self, node: Node) -> tuple[Node, bool, int]:
        inner, filled = nan_to_null_of(node), _filled_nan_of(node)
        if inner is not None:
            return self._known(*self._of(inner))
        if (
            filled is not None
        ):  # x.fill_nan(y), which asks for NaN: whether x is missing is not to be said of NaN
            (x, _, depth), (y, may_be_nan, deep) = self._of(filled[0]), self._of(filled[1])
            return _fill_nan(x, y), may_be_nan, max(depth, deep)
        ((kind, body),) = node.items()
        if kind in ("Column", "Literal") or is_infinity(node):
            return node, False, 0
        passes, reads = self._habits(kind, body, node)
        return self._with_parts(node, self._read if reads else self._of, passes)

    def _habits(self, kind: str, body: Any, node: Node) -> tuple[bool, bool]:
        """Whether a node may be NaN, and whether it reads its parts other than arithmetic does."""
        if kind == "Cast":
            is_float = self._is_float(node)
            return is_float, not is_float
        if kind == "BinaryExpr":
            return body["op"] in ARITHMETIC, body["op"] not in ARITHMETIC
        if kind in KEEPING:
            return True, False
        name = (
            function_name(body["function"])
            if kind == "Function"
            else next(iter(body))
            if kind == "Agg"
            else ""
        )
        return name not in MAKING_NONE | ASKING, name not in PASSING | ASKING

    def _read(self, node: Node) -> tuple[Node, bool, int]:
        return self._known(*self._of(node))

    def _with_parts(
        self, node: Node, of: Callable[[Node], tuple[Node, bool, int]], passes: bool
    ) -> tuple[Node, bool, int]:
        found: list[tuple[Node, bool, int]] = []

        def part(inner: Node) -> Node:
            found.append(of(inner))
            return found[-1][0]

        made = with_parts(node, part)
        own = next(iter(node)) not in KEEPING
        return (
            made,
            passes and (own or any(flag for _, flag, _ in found)),
            max((depth for _, _, depth in found), default=0),
        )

    def _known(self, node: Node, may_be_nan: bool, depth: int) -> tuple[Node, bool, int]:
        return (
            self._choice(node, depth)
            if may_be_nan and self._is_float(node)
            else (node, False, depth)
        )

    def _choice(self, node: Node, depth: int) -> tuple[Node, bool, int]:
        if depth >= DEEPEST:
            raise ScannerError(
                "min, max, coalesce, ranks or powers of each other's results, too deep",
                where=self._where,
                expected=f"{DEEPEST} within each other at most",
            )
        return (
            {"Ternary": {"predicate": _about("IsNotNan", node), "truthy": node, "falsy": NULL}},
            False,
            depth + 1,
        )

    def _is_float(self, node: Node) -> bool:
        """Whether a node is of floats; False for what Polars will not evaluate either."""
        try:
            return self._frame.select(expression_of(node)).collect_schema().dtypes()[0].is_float()
        except (pl.exceptions.PolarsError, IndexError):
            return False
