"""Ranks and orders against numpy and Polars, also where the upper half of a number's digits tells little."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest

from engine.compute.rank_rows import order_rows, rank_members

NEARLY = {
    "apart": lambda random, size: random.normal(size=size),
    "apart in the last digits": lambda random, size: 1 + random.random(size) * 1e-12,
    "apart in the middle": lambda random, size: 1 + random.random(size) * 1e-6,
    "few values": lambda random, size: random.normal(size=size).round(1),
    "one value": lambda random, size: np.ones(size),
    "odd values": lambda random, size: random.choice(
        [0.0, -0.0, np.inf, -np.inf, 1.0, 5e-324], size
    ),
    "from the last to the first": lambda random, size: (
        -np.sort(random.random(size), axis=-1) * 1e-300
    ),
}


@pytest.mark.parametrize("size", [1, 2, 64, 65, 700])
@pytest.mark.parametrize("kind", NEARLY)
def test_rows_are_ordered_as_a_stable_sort_does(kind: str, size: int) -> None:
    random = np.random.default_rng(5)
    ticks, keys = np.sort(random.integers(0, 3, size)), NEARLY[kind](random, size)
    keys[random.random(size) < 0.1] = np.nan  # last
    order, ranks = np.empty(size, np.int64), np.empty(size, np.uint32)
    order_rows(ticks, keys, order, ranks)
    assert np.array_equal(order, np.lexsort((np.arange(size), keys, ticks)))
    assert ranks.tolist() == [
        place + 1 for tick in np.unique(ticks) for place in range(int((ticks == tick).sum()))
    ]


@pytest.mark.parametrize("size", [1, 2, 64, 65, 700])
@pytest.mark.parametrize("kind", NEARLY)
def test_members_are_ranked_as_polars_does(kind: str, size: int) -> None:
    random = np.random.default_rng(6)
    values, known = NEARLY[kind](random, (2, size)), random.random((2, size)) < 0.8
    for descending in (False, True):
        for method in ("min", "max"):
            ranks = np.zeros((3, size))
            rank_members(
                np.where(known, values, np.nan),
                descending,
                method == "max",
                False,
                np.inf,
                np.array([2, 0]),
                ranks,
            )
            assert not ranks[1].any()
            for row, place in enumerate((2, 0)):
                there = pl.Series(
                    [
                        v if k else None
                        for v, k in zip(values[row].tolist(), known[row].tolist(), strict=True)
                    ],
                    dtype=pl.Float64,
                )
                expected = (
                    there.rank(method, descending=descending).cast(pl.Float64).fill_null(np.nan)
                )  # type: ignore[arg-type]
                assert np.array_equal(ranks[place], expected.to_numpy(), equal_nan=True)


@pytest.mark.parametrize("within", [-1.0, 0.5, 1.0, 30.0, 699.0])
@pytest.mark.parametrize("kind", NEARLY)
def test_the_first_ranks_are_those_among_all(kind: str, within: float) -> None:
    random = np.random.default_rng(7)
    values, known = NEARLY[kind](random, (2, 700)), random.random((2, 700)) < 0.8
    for descending, highest in product((False, True), repeat=2):
        ranks, some = np.zeros((2, 2, 700))
        for limit, out in ((np.inf, ranks), (within, some)):
            rank_members(
                np.where(known, values, np.nan),
                descending,
                highest,
                False,
                limit,
                np.arange(2),
                out,
            )
        assert np.array_equal(np.isnan(some), ~known)
        assert np.array_equal(some[some <= within], ranks[ranks <= within]) and np.array_equal(
            some <= within, ranks <= within
        )
