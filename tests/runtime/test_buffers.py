"""Memory is used again once its owner has closed, never before, and no result is read from it later."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.runtime import buffers
from engine.runtime.buffers import SMALLEST, BufferPool, Buffers
from tests.runs.test_pinned_tables import PINS, digests

ROWS = SMALLEST // 8


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_of_an_open_owner_is_not_handed_out() -> None:
    pool = BufferPool()
    first, second = Buffers(pool), Buffers(pool)
    kept = first.empty(ROWS)
    kept[:] = 7.0
    second.empty((2, ROWS))[:] = 1.0
    second.close()
    others = [Buffers(pool).empty(ROWS) for _ in range(3)]
    for other in others:
        other[:] = 2.0
    assert (kept == 7.0).all()


def test_memory_of_a_closed_owner_is_used_again() -> None:
    pool, seen = BufferPool(), set()
    for number in range(3):
        with Buffers(pool) as owner:
            seen.add(address(owner.empty(ROWS + 100 * number)))
    assert len(seen) == 1  # a block has room for a little more


def test_a_scope_within_is_closed_by_itself() -> None:
    with Buffers() as outer:
        kept = outer.empty(ROWS)
        with outer.scope() as inner:
            at = address(inner.empty(ROWS))
        assert address(outer.empty(ROWS)) == at != address(kept)


def test_a_block_is_not_much_larger_than_what_is_asked_for() -> None:
    pool = BufferPool()
    with Buffers(pool) as owner:
        large = address(owner.empty(10 * ROWS))
    assert address(Buffers(pool).empty(ROWS)) != large


def test_a_closed_owner_hands_nothing_out() -> None:
    owner = Buffers()
    owner.close()
    with pytest.raises(RuntimeError, match="is over"):
        owner.empty(ROWS)


@given(steps=st.lists(st.tuples(st.booleans(), st.integers(1, 6)), max_size=40))
def test_no_more_is_kept_than_was_in_use_at_once(steps: list[tuple[bool, int]]) -> None:
    pool, owners = BufferPool(), list[Buffers]()
    for opens, size in steps:
        if opens or not owners:
            owners.append(Buffers(pool))
            owners[-1].empty(size * ROWS)
        else:
            owners.pop(size % len(owners)).close()
        assert pool._in_use + sum(map(len, pool._free)) <= pool._most


def faults(pool: BufferPool | None) -> int:
    """Page faults of filling an array, once one as large has been filled and given back."""
    before = 0
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        with Buffers(pool) as owner:
            owner.empty((64 << 20) // 8).fill(1.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_fresh_memory_costs_page_faults() -> None:
    """When the first are none, numpy.empty will do."""
    fresh, again = faults(None), faults(BufferPool())
    assert fresh >= 32 and again < fresh / 4


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Memory is overwritten when it is given back, and every array comes from it."""
    monkeypatch.setattr(buffers, "POISON", True)
    monkeypatch.setattr(buffers, "SMALLEST", 1)
    yield


@pytest.mark.usefixtures("poisoned")
@pytest.mark.parametrize(
    ("archive", "name"),
    [
        ("demo", "demo"),
        ("demo", "example"),
        ("demo", "opening_range_breakout"),
        ("demo", "technical"),
        ("us2018", "us2018"),
        ("lean", "daily_screen"),
        ("sp500", "rebalance_top_n"),
    ],
)
def test_nothing_is_read_after_its_owner_has_closed(
    archive: str, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    market: Archive = request.getfixturevalue(archive)
    assert digests(market, name, tmp_path) == json.loads(PINS.read_text())[f"{archive}: {name}"]
    assert pl.read_parquet(next(tmp_path.rglob("hits.parquet"))).height >= 0
