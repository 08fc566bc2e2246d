"""Arrays whose memory is used again: fresh memory costs page faults, which take longer than writing to it."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SMALLEST = 1 << 18  # bytes; what is smaller comes from memory that was used before anyway
MOST = 4  # times as large as what is asked for may a block be


class Reuse:
    """Hands out arrays over blocks of memory that no array is left of. No more is kept than was in use at once."""

    def __init__(self) -> None:
        # each with what was handed out last, which views of it keep alive: the memory is not an array's, as far as they know
        self._blocks: list[tuple[NDArray[np.uint8], weakref.ref[NDArray[Any]]]] = []  # handed out last comes last
        self._most = 0  # bytes in use at once
        self._lock = threading.Lock()

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """As numpy.empty."""
        count = int(np.prod(shape))
        size = count * np.dtype(dtype).itemsize
        if size < SMALLEST:
            return np.empty(shape, dtype)
        with self._lock:
            looked = [(one, one[1]() is None) for one in self._blocks]  # once: an array may go at any time
            free = [one for one, is_free in looked if is_free]
            fit = min((one for one in free if size <= len(one[0]) <= MOST * size), key=lambda one: len(one[0]), default=None)
            block = np.empty(size + size // 4, np.uint8) if fit is None else fit[0]
            in_use = len(block) + sum(len(one[0]) for one, is_free in looked if not is_free)
            self._most = max(self._most, in_use)
            spare = self._most - in_use
            kept: set[int] = set()
            for one in reversed(free):
                if one is not fit and len(one[0]) <= spare:
                    spare -= len(one[0])
                    kept.add(id(one))
            handed = np.frombuffer(block.data, dtype, count)
            others = [one for one, is_free in looked if not is_free or id(one) in kept]
            self._blocks = [*others, (block, weakref.ref(handed))]
            return handed.reshape(shape)


reused = Reuse()
