"""How each symbol's bars cover a session."""

import numpy as np

from engine.runtime.jit import njit

NEVER = np.iinfo(np.int64).min  # no bar


@njit
def coverage(
    starts, ends, times, opens_at, closes_at, break_start, break_end, length, first, last, longest
):
    """First and last bar of each symbol's slice [starts, ends), and the longest time on end without
    a bar.

    times is int64, increasing within a slice, all within [opens_at, closes_at); length is that of a
    bar. Time from break_start to break_end, when nobody trades (both 0 without a break), is not
    counted. Writes int64[symbols]: first, last (NEVER without a bar) and longest, from the open to
    the close, the whole session without a bar.
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
    return max(end - start, 0) - max(0, min(end, break_end) - max(start, break_start))
