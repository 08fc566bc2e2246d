"""Arrays whose memory is used again.

Why: large arrays come fresh from the system and go back to it, and each page of fresh memory costs
a fault when it is first written, which takes longer than writing to it.
No longer needed: when filling a fresh array takes no longer than filling one that was filled before
(tests/runtime/test_reuse.py).
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SMALLEST = 1 << 18  # bytes; what is smaller comes from memory that was used before anyway
MOST = 4  # times as large as what is asked for may a block be

# with what was handed out last of it, which views of that keep alive: the memory is not an array's, as far as they know
Block = tuple[NDArray[np.uint8], weakref.ref[NDArray[Any]]]


class Reuse:
    """Hands out arrays over blocks of memory that no array is left of. No more is kept than was in use at once."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []  # handed out last comes first
        self._most = 0  # bytes in use at once
        self._lock = threading.Lock()

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """As numpy.empty."""
        count = int(np.prod(shape))
        size = count * np.dtype(dtype).itemsize
        if size < SMALLEST:
            return np.empty(shape, dtype)
        with self._lock:
            taken, free = self._looked_at()
            fit = min((one for one in free if size <= len(one[0]) <= MOST * size), key=lambda one: len(one[0]), default=None)
            block = np.empty(size + size // 4, np.uint8) if fit is None else fit[0]
            in_use = len(block) + sum(len(one) for one, _ in taken)
            self._most = max(self._most, in_use)
            kept, spare = [], self._most - in_use
            for one in free:
                if one is not fit and len(one[0]) <= spare:
                    kept.append(one)
                    spare -= len(one[0])
            handed = np.frombuffer(block.data, dtype, count)
            self._blocks = [(block, weakref.ref(handed)), *taken, *kept]
            return handed.reshape(shape)

    def _looked_at(self) -> tuple[list[Block], list[Block]]:
        """The blocks that an array is left of, and the free ones: looked at once, as an array may go at any time."""
        taken: list[Block] = []
        free: list[Block] = []
        for one in self._blocks:
            (free if one[1]() is None else taken).append(one)
        return taken, free


reused = Reuse()
