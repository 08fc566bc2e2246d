"""Memory is used again once nobody has it, and never before."""

from __future__ import annotations

import resource
from collections.abc import Callable

import numpy as np

from engine.runtime.reuse import SMALLEST, Reuse

ROWS = SMALLEST // 8


def address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_memory_that_somebody_has_is_not_handed_out() -> None:
    memory = Reuse()
    first = memory.empty(ROWS)
    part = first.reshape(2, -1)[1:, ::2]  # all that is left of it
    first[:] = 7.0
    at = address(first)
    del first
    others = [memory.empty((2, ROWS)) for _ in range(3)]
    for number, other in enumerate(others):
        other[:] = number
    assert (part == 7.0).all() and [other.mean() for other in others] == [0, 1, 2]
    assert at not in map(address, others)


def test_memory_that_nobody_has_is_used_again() -> None:
    memory = Reuse()
    before = {address(memory.empty(ROWS + 100 * number)) for number in range(3)}
    assert len(before) == 1  # with room for a little more
    large = memory.empty(3 * ROWS, np.int64)
    small = memory.empty(ROWS, np.float64)
    assert large.dtype == np.int64 and small.shape == (ROWS,) and not np.shares_memory(large, small)


def test_an_array_that_goes_while_memory_is_asked_for() -> None:
    """As another thread may let go of it at any moment."""
    memory, held = Reuse(), [np.empty(0)]
    held[0] = memory.empty(ROWS)
    ((block, array),) = memory._blocks

    def looked_at() -> np.ndarray | None:
        there = array()
        held.clear()
        return there

    memory._blocks = [(block, looked_at)]  # type: ignore[list-item]
    first, second = memory.empty(ROWS), memory.empty(ROWS)
    assert not np.shares_memory(first, second) and array() is None


def test_a_block_is_not_much_larger_than_what_is_asked_for() -> None:
    memory = Reuse()
    large = address(memory.empty(10 * ROWS))
    assert address(memory.empty(ROWS)) != large or len(memory._blocks) == 1
    assert len(memory._blocks[0][0]) < 2 * SMALLEST


def test_what_is_free_is_kept_up_to_the_most_that_was_in_use() -> None:
    memory = Reuse()
    together = [memory.empty(10 * ROWS) for _ in range(3)]
    addresses, most = set(map(address, together)), sum(len(block) for block, _ in memory._blocks)
    del together
    small = [memory.empty(ROWS)]  # for which a large block is too much
    assert sum(len(block) for block, _ in memory._blocks) <= most
    small += [memory.empty(10 * ROWS) for _ in range(2)]
    assert set(map(address, small[1:])) < addresses


def test_small_arrays_are_like_any() -> None:
    small = Reuse().empty((2, 3), np.bool_)
    assert small.shape == (2, 3) and small.base is None and Reuse().empty(0).size == 0


def faults(make: Callable[[], np.ndarray]) -> int:
    """Page faults of filling an array, once one as large has been filled before."""
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        make().fill(1.0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_fresh_memory_costs_page_faults() -> None:
    """When the first are none, numpy.empty will do."""
    memory, rows = Reuse(), (64 << 20) // 8
    fresh, again = faults(lambda: np.empty(rows)), faults(lambda: memory.empty(rows))
    assert fresh >= 32 and again < fresh / 4
