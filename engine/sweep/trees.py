"""Trees of conditions, as Polars serializes them: the numbers in them, and the conditions that
`and` joins.

A node is a dictionary of one item, kind -> body (engine/scan/expressions.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Node = Any
COMPARISONS = ("Gt", "GtEq", "Lt", "LtEq")
MIRRORED = {"Gt": "Lt", "GtEq": "LtEq", "Lt": "Gt", "LtEq": "GtEq"}
BETWEEN = {
    "Both": ("GtEq", "LtEq"),
    "Left": ("GtEq", "Lt"),
    "Right": ("Gt", "LtEq"),
    "None": ("Gt", "Lt"),
}
NUMBER = "?"  # in a skeleton: where a number stands


@dataclass(frozen=True)
class Tree:
    """A condition.

    numbers   the literal numbers of its node, in the order in which they stand
    skeleton  the node without them, as text
    """

    node: Node
    numbers: tuple[float, ...]
    skeleton: str

    @classmethod
    def of(cls, node: Node) -> Tree:
        """Of a node, of which a negated number becomes a number."""
        values = numbers(node)
        return cls(with_numbers(node, values), tuple(values), skeleton(node))

    def having(self, values: Sequence[float]) -> Tree:
        """The same with other numbers."""
        return Tree(with_numbers(self.node, values), tuple(values), self.skeleton)


def number_of(node: Node) -> tuple[str, float] | None:
    """A literal number, a negated one too: whether it is "Int" or "Float", and its value.

    None for any other node.
    """
    match node:
        case {"Literal": {"Dyn": {"Int": int(value)}}}:
            return "Int", value
        case {"Literal": {"Dyn": {"Float": float(value) | int(value)}}} | {
            "Literal": {"Scalar": {"Float64": float(value) | int(value)}}
        }:
            return "Float", float(value)
        case {"Function": {"input": [inner], "function": "Negate"}}:
            found = number_of(inner)
            return (found[0], -found[1]) if found else None
    return None


def literal(kind: str, value: float) -> Node:
    """The node of a number."""
    return {"Literal": {"Dyn": {kind: value}}}


def literal_truth(value: bool) -> Node:
    """The node of true or false."""
    return {"Literal": {"Scalar": {"Boolean": value}}}


def numbers(node: Node) -> list[float]:
    """The literal numbers of a tree, in the order in which they stand."""
    return [value for _, value in _numbers(node)]


def skeleton(node: Node) -> str:
    """The tree without its numbers, as text."""
    return json.dumps(with_numbers(node, None), sort_keys=True)


def with_numbers(node: Node, values: Sequence[float] | None) -> Node:
    """A copy of the tree with other numbers, in order; without `values`, with their kinds alone."""
    left = iter(values) if values is not None else None

    def made(part: Node) -> Node:
        if found := number_of(part):
            return literal(found[0], next(left)) if left is not None else f"{NUMBER}{found[0]}"
        if isinstance(part, dict):
            return {key: made(one) for key, one in part.items()}
        return [made(one) for one in part] if isinstance(part, list) else part

    return made(node)


def _numbers(node: Node) -> Iterator[tuple[str, float]]:
    if found := number_of(node):
        yield found
    elif isinstance(node, dict | list):
        for one in node.values() if isinstance(node, dict) else node:
            yield from _numbers(one)


def conjuncts_of(node: Node) -> list[Node]:
    """Conditions that all hold where this one does: those joined by `and`, both sides of a
    range."""
    match node:
        case {"Alias": [inner, _]}:
            return conjuncts_of(inner)
        case {"BinaryExpr": {"left": left, "op": "And", "right": right}}:
            return [*conjuncts_of(left), *conjuncts_of(right)]
        case {
            "Function": {
                "input": [value, low, high],
                "function": {"Boolean": {"IsBetween": {"closed": closed}}},
            }
        }:
            above, below = BETWEEN[closed]
            return [
                {"BinaryExpr": {"left": value, "op": above, "right": low}},
                {"BinaryExpr": {"left": value, "op": below, "right": high}},
            ]
    return [node]


def comparison_of(node: Node) -> tuple[Node, str] | None:
    """Of a comparison with a number on one side: the other side, and how it is compared.

    None for any other node.
    """
    match node:
        case {"BinaryExpr": {"left": left, "op": op, "right": right}} if op in COMPARISONS:
            if number_of(right) and not number_of(left):
                return left, op
            if number_of(left) and not number_of(right):
                return right, MIRRORED[op]
    return None


def directions(node: Node, moving: set[int], first: int = 0) -> set[str] | None:
    """How numbers of a condition are compared with, "Gt" and "GtEq" as above, "Lt" and "LtEq" as
    below.

    moving  places, among the tree's numbers, of those that change; `first` is the place of this
            node's first one
    A condition of which all moving numbers are compared the same way holds for the looser of two
    numbers wherever it holds for
    the stricter. None where a moving number stands anywhere but in comparisons that `and` and `or`
    join.
    """
    count = len(numbers(node))
    if not moving & set(range(first, first + count)):
        return set()
    match node:
        case {"Alias": [inner, _]}:
            return directions(inner, moving, first)
        case {"BinaryExpr": {"left": left, "op": "And" | "Or", "right": right}}:
            a = directions(left, moving, first)
            b = directions(right, moving, first + len(numbers(left)))
            return None if a is None or b is None else a | b
    found = comparison_of(node)
    if found is None or numbers(found[0]):
        alone = found is not None and not _moves_inside(node, found[0], moving, first)
        if not alone:
            return None
    assert found is not None
    return {"above" if found[1] in ("Gt", "GtEq") else "below"}


def _moves_inside(node: Node, side: Node, moving: set[int], first: int) -> bool:
    """Whether the swept number is part of the compared expression, not the threshold itself."""
    before = first + (1 if number_of(node["BinaryExpr"]["left"]) else 0)
    return bool(moving & set(range(before, before + len(numbers(side)))))
