"""Arrays whose memory is used again: fresh memory costs page faults, which take longer than writing to it."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SMALLEST = 1 << 18  # bytes; what is smaller comes from memory that was used before anyway
MOST = 2  # times as large as what is asked for may a block be


class Reuse:
    """Hands out arrays over blocks of memory that no array is left of. No more is kept than was in use at once."""

    def __init__(self) -> None:
        # each with what was handed out last, which views of it keep alive: the memory is not an array's, as far as they know
        self._blocks: list[tuple[NDArray[np.uint8], weakref.ref[NDArray[Any]]]] = []
        self._lock = threading.Lock()

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """As numpy.empty."""
        count = int(np.prod(shape))
        size = count * np.dtype(dtype).itemsize
        if size < SMALLEST:
            return np.empty(shape, dtype)
        with self._lock:
            looked = [(one, one[1]() is None) for one in self._blocks]  # once: an array may go at any time
            taken = [one for one, is_free in looked if not is_free]
            free = [one for one, is_free in looked if is_free]
            fit = min((one for one in free if size <= len(one[0]) <= MOST * size), key=lambda one: len(one[0]), default=None)
            if fit is None:
                free = []  # of other sizes: they make room
            block = np.empty(size + size // 4, np.uint8) if fit is None else fit[0]
            handed = np.frombuffer(block.data, dtype, count)
            self._blocks = [*taken, *(one for one in free if one is not fit), (block, weakref.ref(handed))]
            return handed.reshape(shape)


reused = Reuse()
