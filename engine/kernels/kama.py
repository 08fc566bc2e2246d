"""Kaufman adaptive moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import before_next, ring_size, sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 3 + ring_size(period) + window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget((2.0 / 31.0) ** 2)


@kernel
def kama(values, period, state, out):
    """Kaufman's adaptive moving average: average += (value - average) * ((e * (2/3 - 2/31) + 2/31) ** 2), where the efficiency
    e is the change over `period` rows over the sum of changes from row to row. As TA-Lib's KAMA.

    Perry Kaufman, Smarter Trading (1995). NaN: while it is in the window; the average waits. Flat: the value. Too short: NaN.
    """
    middle = 5 + period
    for row in range(len(values)):
        value = values[row]
        first, change = state[0] == 0.0, abs(value - state[1])
        before = before_next(value, period, state[3:middle])
        last = state[1]
        state[0] += 1.0
        state[1] = value
        if first:
            out[row] = np.nan
            continue
        path = sum_next(change, period, state[middle:])
        if state[middle] == period:
            state[2] = last
        if np.isnan(path + before) or state[middle] < period:
            out[row] = np.nan
            continue
        if state[2] != state[2]:
            state[2] = last
        apart = value - before
        efficiency = 1.0 if path <= apart or path == 0.0 else abs(apart / path)
        weight = efficiency * (2.0 / 3.0 - 2.0 / 31.0) + 2.0 / 31.0
        state[2] += (value - state[2]) * weight * weight
        out[row] = state[2]
