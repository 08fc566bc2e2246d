"""Runs jobs over chunks of symbols.

All jobs of a chunk run one after the other, while the chunk's bars are in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.runtime.threads import in_threads, threads

SYMBOLS_A_CHUNK = 640  # about 1 MB a column at 200 bars a symbol
FEWEST_A_CHUNK = 100  # smaller chunks cost more in thread switches than they save

Job = Callable[[int, int], object]


def run_over_symbols(count: int, jobs: list[Job]) -> None:
    """Call every job as job(first, last) for each chunk first .. last - 1 of `count` symbols.

    The jobs of a chunk run in their order. Jobs release the GIL (numba), so chunks run on all
    cores. A job may write only what belongs to its chunk's symbols: then neither the number of
    threads nor the chunk size can change a result.
    """
    size = max(1, min(SYMBOLS_A_CHUNK, max(FEWEST_A_CHUNK, -(-count // (2 * threads())))))
    chunks = [(first, min(first + size, count)) for first in range(0, count, size)]
    in_threads(lambda chunk: _run(jobs, chunk), chunks)


def _run(jobs: list[Job], chunk: tuple[int, int]) -> None:
    """Call all jobs for one chunk."""
    for job in jobs:
        job(*chunk)
