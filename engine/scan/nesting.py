"""Expressions of very many terms: Polars nests `a | b | c` a level a term, and whoever walks that
recurses as deep.

The expression language joins long chains of conditions in groups, so that a thousand are no deeper
than a hundred. What a plug-in has chained by itself is walked as it is, up to a depth that Polars
can still evaluate in reasonable time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import polars as pl

from engine.errors import ScannerError

Join = Callable[[pl.Expr, pl.Expr], pl.Expr]
# conditions that are chained: a thousand are three chains deep, as Polars reads back no tree of
# more than some 60 operations
GROUP = 10
DEEPEST = 1_000  # operations within each other
LEVELS = 2  # of a serialized tree that an operation is


def joined(conditions: Sequence[pl.Expr], join: Join) -> pl.Expr:
    """All of the conditions, joined by `and` or `or`, which may be grouped as one likes."""
    groups = [
        reduce(join, conditions[first : first + GROUP])
        for first in range(0, len(conditions), GROUP)
    ]
    return groups[0] if len(groups) == 1 else joined(groups, join)


def refuse_deep(serialized: str) -> None:
    """ScannerError for an expression, in Polars' JSON, that is nested too deep to be walked."""
    depth = deepest = 0
    for piece in serialized.split("{"):
        deepest = max(deepest, depth)
        depth += 1 - piece.count("}")
    if deepest > LEVELS * DEEPEST:
        raise too_deep(f"{DEEPEST:,} at most")


def too_deep(expected: str, where: str | None = None) -> ScannerError:
    """The error for an expression of too many operations within each other."""
    return ScannerError(
        "an expression of too many operations within each other",
        where=where,
        expected=expected,
        fix=(
            "join many conditions with pl.any_horizontal or pl.all_horizontal, many numbers with "
            "pl.sum_horizontal"
        ),
    )
