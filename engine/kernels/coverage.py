"""How each symbol's bars cover a session."""

import numpy as np

from engine.runtime.jit import njit

NEVER = np.iinfo(np.int64).min  # no bar


@njit
def coverage(starts, ends, times, opens_at, closes_at, length, first, last, longest):
    """First and last bar of each symbol's slice [starts, ends), and the longest time on end without a bar.

    times is int64, increasing within a slice, all within [opens_at, closes_at); length is that of a bar. Writes int64[symbols]:
    first, last (NEVER without a bar) and longest, from the open to the close, the whole session without a bar.
    """
    for symbol in range(len(starts)):
        start, end = starts[symbol], ends[symbol]
        if start == end:
            first[symbol], last[symbol], longest[symbol] = NEVER, NEVER, closes_at - opens_at
            continue
        first[symbol], last[symbol] = times[start], times[end - 1]
        gap = max(times[start] - opens_at, closes_at - times[end - 1] - length)
        for row in range(start + 1, end):
            gap = max(gap, times[row] - times[row - 1] - length)
        longest[symbol] = max(gap, 0)
