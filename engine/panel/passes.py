"""One pass over the symbols: jobs that share a chunk of symbols' bars while it is in the processor's cache."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

SYMBOLS_A_CHUNK = 640  # about 1 MB a column at 200 bars a symbol
FEWEST_A_CHUNK = 100  # below this handing over to another thread costs more than it saves

THREADS = "BARSWEEP_THREADS"  # environment variable
Job = Callable[[int, int], object]
Item = TypeVar("Item")


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads(), thread_name_prefix="symbols")


def in_threads(job: Callable[[Item], object], items: Sequence[Item]) -> None:
    """Do job(item) for each item, on this thread and on others that come to help; raises what one raised.

    This thread has often done the work before another has woken up. A job must not share something in its turn.
    """
    left = deque(items)

    def work() -> None:
        while left:
            try:
                item = left.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                job(item)
            except BaseException:
                left.clear()
                raise

    helpers = [_pool().submit(work) for _ in range(min(threads(), len(items)) - 1)]
    try:
        work()
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        wait(begun)
    for helper in begun:
        helper.result()


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """How many threads walk symbols: as many as there are cores, unless the environment says otherwise."""
    asked = os.environ.get(THREADS, "")
    return int(asked) if asked.isdecimal() and int(asked) else cores()


def run_over_symbols(count: int, jobs: list[Job]) -> None:
    """Call every job with (first, last) for each chunk of symbols, the jobs of a chunk in their order.

    Jobs release the GIL (numba), so chunks run on all cores. What a job writes must belong to its symbols alone:
    then neither the number of threads nor the size of the chunks can change a result.
    """
    size = max(1, min(SYMBOLS_A_CHUNK, max(FEWEST_A_CHUNK, -(-count // (2 * threads())))))
    chunks = [(first, min(first + size, count)) for first in range(0, count, size)]
    in_threads(lambda chunk: _run(jobs, chunk), chunks)


def _run(jobs: list[Job], chunk: tuple[int, int]) -> None:
    for job in jobs:
        job(*chunk)
