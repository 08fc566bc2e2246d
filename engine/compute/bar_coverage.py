"""How each symbol's bars cover a session."""

import numpy as np

from engine.runtime.jit import njit

NEVER = np.iinfo(np.int64).min  # no bar


@njit
def coverage(
    starts, ends, times, opens_at, closes_at, break_start, break_end, length, first, last, longest
):
    """First and last bar of each symbol, and its longest time without a bar.

    starts, ends    int64[symbols]: a symbol's bars are times[start:end]
    times           int64[bars], microseconds, increasing within a symbol, in [opens_at, closes_at)
    break_start, break_end  a break of the exchange, which is not counted; both 0 without one
    length          of a bar, microseconds
    first, last     int64[symbols], written: start of the bar, NEVER without bars
    longest         int64[symbols], written: microseconds, from the open to the close
    """
    for symbol in range(len(starts)):
        start, end = starts[symbol], ends[symbol]
        if start == end:
            first[symbol], last[symbol] = NEVER, NEVER
            longest[symbol] = _without_break(opens_at, closes_at, break_start, break_end)
            continue
        first[symbol], last[symbol] = times[start], times[end - 1]
        gap = _without_break(opens_at, times[start], break_start, break_end)
        for row in range(start + 1, end):
            gap = max(
                gap, _without_break(times[row - 1] + length, times[row], break_start, break_end)
            )
        longest[symbol] = max(
            gap, _without_break(times[end - 1] + length, closes_at, break_start, break_end)
        )


@njit
def _without_break(start, end, break_start, break_end):
    """Microseconds from start to end, those of the break left out."""
    return max(end - start, 0) - max(0, min(end, break_end) - max(start, break_start))
