"""Conditions of families as tests of columns: what one pass computes for every row, and what each
variant asks of it.

A condition without a moving number, the same in all families, is a clause of the pass: rows that
fail it are gone. So is the loosest form of one that compares alike everywhere. Of all others the
pass computes columns, for the rows that are left.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import polars as pl

from engine.panel.bars import Floats, Ints
from engine.scan.expressions import expression_of
from engine.scan.scan_plan import ScanPlan
from engine.sweep.declared import Family, NotColumns
from engine.sweep.trees import (
    Node,
    comparison_of,
    directions,
    literal_truth,
    number_of,
    numbers,
    with_numbers,
)

MOST_VERSIONS = 2_000  # of one condition: each is a column of its own


@dataclass(frozen=True)
class Condition:
    """A condition of a family.

    tree    with the first values
    moving  place among its numbers -> the parameter, and the number for each of its values
    """

    tree: Node
    moving: Mapping[int, tuple[str, tuple[float, ...]]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters in it."""
        return tuple(dict.fromkeys(name for name, _ in self.moving.values()))

    @property
    def shape(self) -> str:
        """Equal for conditions that are the same but for the values of the same parameters."""
        values = [0.0 if n in self.moving else v for n, v in enumerate(numbers(self.tree))]
        names = sorted((place, name) for place, (name, _) in self.moving.items())
        return json.dumps([with_numbers(self.tree, values), names], sort_keys=True)

    @property
    def threshold(self) -> tuple[Node, str] | None:
        """What is compared with the one moving number, and how.

        None where it is no such comparison.
        """
        found = comparison_of(self.tree)
        return found if found and len(self.moving) == 1 and not numbers(found[0]) else self._mixed()

    def _mixed(self) -> tuple[Node, str] | None:
        """The same where the compared side holds numbers of its own, which do not move."""
        found = comparison_of(self.tree)
        if found is None or len(self.moving) != 1:
            return None
        ((place, _),) = self.moving.items()
        first = number_of(self.tree["BinaryExpr"]["left"]) is not None
        return found if place == (0 if first else len(numbers(found[0]))) else None

    def version(self, codes: Mapping[str, int]) -> Node:
        """The condition with the values of these codes, one of each of its parameters.

        Untrue where no variant has them.
        """
        values = numbers(self.tree)
        for place, (name, constants) in self.moving.items():
            values[place] = constants[codes[name]]
        if any(math.isnan(value) for value in values):
            return literal_truth(False)
        return with_numbers(self.tree, values)

    @property
    def strictness(self) -> Ints | None:
        """Codes of a parameter's values, loosest first; None without such an order."""
        if len(self.names) != 1:
            return None
        found = directions(self.tree, set(self.moving))
        if found is None or len(found) != 1:
            return None
        sign = 1.0 if found == {"above"} else -1.0
        keys = [sign * np.array(constants) for _, constants in self.moving.values()]
        order = np.lexsort(keys[::-1])
        order = order[~np.isnan(keys[0][order])]  # values that no variant of the family has
        return order if all((np.diff(key[order]) >= 0).all() for key in keys) else None


def conditions_of(family: Family) -> list[Condition]:
    """A family's conditions, in their order."""
    return [
        Condition(tree.node, {n: moved for (c, n), moved in family.slots.items() if c == number})
        for number, tree in enumerate(family.base.conditions)
    ]


@dataclass(frozen=True)
class Test:
    """A condition of a family as the pass knows it.

    columns    one column of numbers, which are compared; or a column of truths for each combination
               of its parameters' values
    operation  how numbers are compared with `constants`, one for each value of the parameter; None
               of truths
    """

    condition: Condition
    columns: tuple[int, ...]
    operation: str | None = None
    constants: tuple[float, ...] = ()


class PassPlan:
    """What one pass over the bars evaluates for all families of a scanner.

    plan      the clauses that every row passes, and as features the columns
    tests     of each family, those of its conditions that not every row passes
    ranks     of each family, the column that its hits are ranked by; None for none
    """

    def __init__(self, where: str, families: Sequence[Family]):
        self._columns: dict[str, tuple[int, Node]] = {}
        everything = [conditions_of(family) for family in families]
        shared = set.intersection(*({one.shape for one in each} for each in everything))
        clauses: dict[str, Node] = {}
        for one in everything[0]:
            alike = (
                [next(c for c in each if c.shape == one.shape) for each in everything]
                if one.shape in shared
                else []
            )
            tree = _loosest(alike)
            if tree is not None:
                clauses[one.shape] = tree
        self.tests = [
            [self._test(one) for one in each if one.moving or one.shape not in shared]
            for each in everything
        ]
        self.ranks = [
            None if family.base.rank is None else self._column(family.base.rank)
            for family in families
        ]
        keys = list(dict.fromkeys(key for family in families for key in family.base.indicators))
        self.plan = ScanPlan.build(
            where,
            {f"clause {n}": expression_of(tree) for n, tree in enumerate(clauses.values())}
            or {"clause": pl.lit(True)},
            {f"column {place}": expression_of(tree) for place, tree in self._columns.values()},
            None,
            True,
            None,
            None,
            keys,  # type: ignore[arg-type]  # which may be names
        )

    @property
    def columns(self) -> int:
        """How many columns a row has."""
        return len(self._columns)

    def _column(self, tree: Node) -> int:
        return self._columns.setdefault(
            json.dumps(tree, sort_keys=True), (len(self._columns), tree)
        )[0]

    def _test(self, one: Condition) -> Test:
        if one.threshold is not None:
            side, operation = one.threshold
            ((_, constants),) = one.moving.values()
            return Test(one, (self._column(side),), operation, constants)
        sizes = {name: len(constants) for name, constants in one.moving.values()}
        if math.prod(sizes.values()) > MOST_VERSIONS:
            raise NotColumns(f"a condition has more than {MOST_VERSIONS:,} versions")
        codes = product(*(range(size) for size in sizes.values()))
        trees = [one.version(dict(zip(sizes, each, strict=True))) for each in codes]
        return Test(one, tuple(self._column(tree) for tree in trees))


def _loosest(alike: Sequence[Condition]) -> Node | None:
    """What holds wherever any version of conditions of one shape does.

    None where that is not known.
    """
    if not alike or not alike[0].moving:
        return alike[0].tree if alike else None
    orders = [one.strictness for one in alike]
    if any(order is None or not len(order) for order in orders):
        return None
    above = directions(alike[0].tree, set(alike[0].moving)) == {"above"}
    values = numbers(alike[0].tree)
    for place in alike[0].moving:
        constants = [
            one.moving[place][1][order[0]]
            for one, order in zip(alike, orders, strict=True)
            if order is not None
        ]
        values[place] = min(constants) if above else max(constants)
    return with_numbers(alike[0].tree, values)


def passed(values: Floats, operation: str, constants: Floats) -> Ints:
    """int32[rows]: how many of the constants, from the loosest to the strictest, each value passes.

    NaN passes none.
    """
    ascending = constants if operation in ("Gt", "GtEq") else constants[::-1]
    side: Any = "left" if operation in ("Gt", "LtEq") else "right"
    found = np.searchsorted(ascending, values, side)
    found = found if operation in ("Gt", "GtEq") else len(constants) - found
    return np.where(np.isnan(values), 0, found).astype(np.int32)


def compare(values: Floats, operation: str, constant: float) -> Any:
    """bool[rows]: whether a comparison holds; NaN passes none."""
    compared = {"Gt": np.greater, "GtEq": np.greater_equal, "Lt": np.less, "LtEq": np.less_equal}
    return compared[operation](values, constant)
