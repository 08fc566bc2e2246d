"""Large arrays that live for one batch, block or evaluation, over memory that is used again.

Why: large arrays come fresh from the system and go back to it, and each page of fresh memory costs
a fault when it is first written, which takes longer than writing to it. Without a pool a daily
scan
takes 10 to 15 % longer (`python -m bench.daily`). A `Buffers` is the lifetime of its arrays:
`close()` gives their memory back to the pool, and the next owner writes over it. Whoever wants
values beyond that copies them.
No longer needed: when filling a fresh array takes no longer than filling one that was filled before
(tests/runtime/test_buffers.py).
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

SMALLEST = 1 << 18  # bytes; a smaller array comes from memory that malloc has used before anyway
MOST = 4  # a block is at most so many times as large as the array asked for
# Tests overwrite memory when it is given back, so that whoever reads it later is found out.
POISON = False

Block = NDArray[np.uint8]


class BufferPool:
    """Blocks of memory that no open `Buffers` holds. No more is kept than was in use at once."""

    def __init__(self) -> None:
        self._free: list[Block] = []  # given back last comes first
        self._in_use = self._most = 0  # bytes
        self._lock = threading.Lock()

    def take(self, size: int) -> Block:
        """A block of at least `size` bytes."""
        with self._lock:
            fits = [block for block in self._free if size <= len(block) <= MOST * size]
            block = min(fits, key=len) if fits else np.empty(size + size // 4, np.uint8)
            self._free = [one for one in self._free if one is not block]
            self._in_use += len(block)
            self._most = max(self._most, self._in_use)
            self._trim()
            return block

    def give_back(self, blocks: list[Block]) -> None:
        """Blocks whose arrays nobody reads any more."""
        with self._lock:
            for block in blocks:
                if POISON:
                    block[:] = 0xFF  # NaN as float64, -1 as int64
                self._in_use -= len(block)
            self._free = [*blocks, *self._free]
            self._trim()

    def _trim(self) -> None:
        kept, spare = [], self._most - self._in_use
        for block in self._free:
            if len(block) <= spare:
                kept.append(block)
                spare -= len(block)
        self._free = kept


# Of all replays of the process: a second daily scan with a pool of its own takes 40 % longer.
POOL = BufferPool()


class Buffers:
    """Arrays with one lifetime: from when they are asked for until `close()`, or the end of a
    `with`.
    """

    def __init__(self, pool: BufferPool | None = None):
        self._pool = BufferPool() if pool is None else pool
        self._blocks: list[Block] = []
        self.closed = False

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
        """As numpy.empty; not to be read after `close()`."""
        count = int(np.prod(shape))
        size = count * np.dtype(dtype).itemsize
        if size < SMALLEST:
            return np.empty(shape, dtype)
        if self.closed:
            raise RuntimeError("the batch that these arrays belong to is over")
        block = self._pool.take(size)
        self._blocks.append(block)
        return np.frombuffer(block.data, dtype, count).reshape(shape)

    def scope(self) -> Buffers:
        """Arrays of a shorter lifetime over the same pool."""
        return Buffers(self._pool)

    def close(self) -> None:
        """The arrays are over."""
        self.closed = True
        blocks, self._blocks = self._blocks, []
        self._pool.give_back(blocks)

    def __enter__(self) -> Buffers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
