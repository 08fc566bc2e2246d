"""Where each symbol's rows of a time span begin and end, and whether rows are in order."""

import numpy as np

from engine.runtime.jit import njit


@njit
def span_rows(starts, ends, times, low, high, span_starts, span_ends):
    """Narrow each symbol's slice [starts, ends) to the rows with low <= time < high.

    times                  int64, increasing within a slice
    span_starts, span_ends  int64[symbols], written

    Most symbols' bars lie inside as a whole, or as those of the symbol before do: this is tested
    before a search.
    """
    begin = end = 0
    for symbol in range(len(starts)):
        own = times[starts[symbol] : ends[symbol]]
        begin, end = _first_from(own, low, begin), _first_from(own, high, end)
        span_starts[symbol], span_ends[symbol] = starts[symbol] + begin, starts[symbol] + end


@njit
def _first_from(times, limit, guess):
    """The first row with a time from `limit` on, the count of rows if there is none."""
    for row in (0, len(times), min(guess, len(times))):
        if (row == 0 or times[row - 1] < limit) and (row == len(times) or times[row] >= limit):
            return row
    return np.searchsorted(times, limit)


@njit
def first_disorder(starts, ends, times):
    """Index of the first row that is not later than the row before it in its slice, or -1."""
    for symbol in range(len(starts)):
        for row in range(starts[symbol] + 1, ends[symbol]):
            if times[row] <= times[row - 1]:
                return row
    return -1
