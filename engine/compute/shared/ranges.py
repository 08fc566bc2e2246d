"""True range."""

import numpy as np

from engine.compute.shared.fma import fma
from engine.compute.shared.smooth import shares, smooth_next
from engine.runtime.jit import njit

RANGES_SIZE = 2
AVERAGE_RANGE_SIZE = RANGES_SIZE + 2


@njit
def true_ranges(high, low, close, state, out):
    """Write max(high, last close) - min(low, last close). state (2): whether there was a bar, the
    last close.

    NaN: where high or low is, and at the first bar; high - low where only the last close is.
    """
    if len(close) == 0:
        return
    out[0] = _true_range(high[0], low[0], state[1]) if state[0] > 0.0 else np.nan
    tops, bottoms, ranges = high[1:], low[1:], out[1:]
    for row in range(len(ranges)):
        ranges[row] = _true_range(tops[row], bottoms[row], close[row])
    state[0], state[1] = 1.0, close[-1]


@njit
def average_true_range(high, low, close, period, state, out):
    """Write Wilder's average of `true_ranges`, in one pass. state (4): that of `true_ranges`;
    count, average.

    NaN: as `true_ranges`; the average passes it over.
    """
    weight = 1.0 / period
    taken, rest = shares(weight)
    row, rows = 0, len(close)
    while row < rows and state[2] < period:
        reach = _true_range(high[row], low[row], state[1]) if state[0] > 0.0 else np.nan
        out[row] = smooth_next(reach, period, weight, state[2:])
        state[0], state[1] = 1.0, close[row]
        row += 1
    last, average = state[1], state[3]
    while row < rows:
        while row < rows:  # a run without NaN, as in `smooth`
            reach = _true_range(high[row], low[row], last)
            last = close[row]
            if reach != reach:
                break
            average = fma(average, rest, reach * taken)
            out[row] = average
            row += 1
        if row < rows:
            out[row] = np.nan
            row += 1
    state[1], state[3] = last, average


@njit
def _true_range(high, low, last):
    return (last if last > high else high) - (last if last < low else low)
