"""The next sessions are made ready while this one is scanned."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")

AHEAD = 2  # with one, decoding stands still as often as scanning takes longer than it


def prefetch(
    items: Iterable[Item], load: Callable[[Item], Loaded], ahead: int = AHEAD
) -> Generator[Loaded, None, None]:
    """load(item) for every item in order, on another thread; at most `ahead` are waiting while one is in use.

    The items are drawn on this one. To be closed by who does not come to its end: at Ctrl-C, too.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="decode")
    try:
        waiting: deque[Future[Loaded]] = deque()
        left = iter(items)
        while True:
            waiting.extend(
                pool.submit(load, item)
                for _, item in zip(range(ahead - len(waiting) + 1), left, strict=False)
            )
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
