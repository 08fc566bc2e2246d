"""The highest high and lowest low from each bar to the end of its symbol's session."""

import numpy as np

from engine.runtime.jit import njit


@njit
def from_here(starts, ends, high, low, highest, lowest):
    """Write, for every bar of every symbol, the extremes of that bar and those after it.

    starts, ends  int64[symbols]: the symbol's bars are high[start:end]
    NaN: not counted.
    """
    for symbol in range(len(starts)):
        top, bottom = -np.inf, np.inf
        for row in range(ends[symbol] - 1, starts[symbol] - 1, -1):
            top, bottom = max(top, high[row]), min(bottom, low[row])
            highest[row], lowest[row] = top, bottom
