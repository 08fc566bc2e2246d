"""Threads that help the one that has work to share.

Why: kernels release the GIL, so pieces of work run on all cores. An executor's `map` has the
calling thread sleep and wake up for each result; here the calling thread works too, and has often
done all before another has woken up.
Measured: ten pieces of 0.27 ms on two cores that others use too, best of 300: 1.45 ms; by `map` 1.5
to
2.9 ms. Without threads 2.75 ms.
The test: tests/runtime/test_threads.py.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

from engine.runtime.cores import cores

THREADS = "BARSWEEP_THREADS"  # environment variable
Item = TypeVar("Item")


def threads() -> int:
    """How many threads share work: as many as there are cores, unless the environment says
    otherwise.
    """
    asked = os.environ.get(THREADS, "")
    return int(asked) if asked.isdecimal() and int(asked) else cores()


def in_threads(job: Callable[[Item], object], items: Sequence[Item]) -> None:
    """Do job(item) for each item, on this thread and on others that come to help.

    Raises what one raised.

    A job must not share something in its turn. At Ctrl-C nothing more is begun, and what helpers
    have begun is not waited for: to compile a kernel takes seconds. A helper holds all that it
    writes to.
    """
    left, patience = deque(items), None

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
    except KeyboardInterrupt:
        left.clear()
        patience = 0
        raise
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        wait(begun, patience)
    for helper in begun:
        helper.result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads(), thread_name_prefix="symbols")
