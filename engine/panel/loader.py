"""The next session decodes while this one is scanned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")


def prefetch(items: Sequence[Item], load: Callable[[Item], Loaded]) -> Iterator[Loaded]:
    """load(item) for every item in order, one ahead on another thread: two at most are in memory."""
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        if not items:
            return
        ahead = pool.submit(load, items[0])
        for item in items[1:]:
            loaded = ahead.result()
            ahead = pool.submit(load, item)
            yield loaded
        yield ahead.result()
