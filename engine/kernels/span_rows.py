"""Where each symbol's rows of a time span begin and end, and whether rows are in order."""

import numpy as np

from engine.kernels.jit import njit


@njit
def span_rows(starts, ends, times, low, high, span_starts, span_ends):
    """Narrow each symbol's slice [starts, ends) to the rows with low <= time < high, by binary search.

    times is int64, increasing within a slice; writes span_starts, span_ends (int64[symbols]).
    """
    for symbol in range(len(starts)):
        start, end = starts[symbol], ends[symbol]
        if start < end and times[start] >= low and times[end - 1] < high:  # most symbols' bars are all of regular hours
            span_starts[symbol], span_ends[symbol] = start, end
            continue
        own = times[start:end]
        span_starts[symbol] = start + np.searchsorted(own, low)
        span_ends[symbol] = start + np.searchsorted(own, high)


@njit
def first_disorder(starts, ends, times):
    """The first row whose time does not come after the one before it in its symbol's slice, or -1."""
    for symbol in range(len(starts)):
        for row in range(starts[symbol] + 1, ends[symbol]):
            if times[row] <= times[row - 1]:
                return row
    return -1
