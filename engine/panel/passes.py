"""One pass over the symbols: jobs that share a chunk of symbols' bars while it is in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable

from engine.runtime.threads import in_threads, threads

SYMBOLS_A_CHUNK = 640  # about 1 MB a column at 200 bars a symbol
FEWEST_A_CHUNK = 100  # below this handing over to another thread costs more than it saves

Job = Callable[[int, int], object]


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
