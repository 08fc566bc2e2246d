"""Loads the next sessions on another thread while a session is scanned."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")

AHEAD = 2  # with 1, decoding pauses whenever a scan takes longer than a decode


def prefetch(
    items: Iterable[Item], load: Callable[[Item], Loaded], ahead: int = AHEAD
) -> Generator[Loaded, None, None]:
    """Yield load(item) for every item in order; `load` runs on another thread.

    At most `ahead` results are loaded or waiting while the caller works on one. `items` is iterated
    on the caller's thread. A caller that stops early, as at Ctrl-C, must close the generator.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="decode")
    try:
        waiting: deque[Future[Loaded]] = deque()
        remaining = iter(items)
        while True:
            waiting.extend(
                pool.submit(load, item)
                for _, item in zip(range(ahead - len(waiting) + 1), remaining, strict=False)
            )
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
