"""Traced numbers are numbers, tell an expression nothing, and note what else is done with them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from engine.sweep.traced import Notes, names_of, plain, traced

UNSEEN: list[Callable[[Any, Any], Any]] = [
    lambda p, q: pl.col("x") > p,
    lambda p, q: p < pl.col("x"),
    lambda p, q: (pl.col("x") * p + q).is_between(q, p),
    lambda p, q: pl.when(pl.col("x") > p / 100).then(-p).otherwise(1 - q),
    lambda p, q: pl.lit(p) == abs(pl.col("x").clip(q)),
    lambda p, q: copy.deepcopy([p, q]),
    lambda p, q: p * 2 + 1,
]
SEEN: list[Callable[[Any, Any], Any]] = [
    lambda p, q: p > 1,
    lambda p, q: max(p, 2),
    lambda p, q: bool(p),
    lambda p, q: p == 2,
    lambda p, q: f"rsi_{p}",
    lambda p, q: str(p),
    lambda p, q: int(p),
    lambda p, q: round(p),
    lambda p, q: {1: 2}.get(p),
    lambda p, q: not p,
    lambda p, q: p * 2 > 1,
]


@pytest.mark.parametrize("value", [2.5, 3])
def test_expressions_are_those_of_plain_numbers(value: float) -> None:
    for use in UNSEEN:
        notes = Notes()
        p, q = (traced(value, frozenset({name}), notes) for name in "pq")
        found, expected = use(p, q), use(value, value)
        assert not notes.used
        if isinstance(found, pl.Expr):
            assert found.meta.serialize(format="json") == expected.meta.serialize(format="json")
        else:
            assert found == expected


@pytest.mark.parametrize("value", [2.5, 3])
def test_what_code_does_with_them_is_noted(value: float) -> None:
    for use in [*SEEN, lambda p, q: type(value)(1) < p]:
        notes = Notes()
        p, q = (traced(value, frozenset({name}), notes) for name in "pq")
        use(p, q)
        assert notes.used == {"p"}


def test_two_that_are_mixed_are_noted() -> None:
    notes = Notes()
    p, q = (traced(2.0, frozenset({name}), notes) for name in "pq")
    assert names_of(p / 3) == {"p"} and not notes.used
    assert plain(p * q) == 4.0 and type(plain(p)) is float
    assert notes.used == {"p", "q"}
