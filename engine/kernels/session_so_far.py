"""The columns every cross-section has: the latest bar, and the session so far.

Nine lines of arithmetic in all, so they share a file. Each is NaN (a sum: 0) before the first bar; none divides by
zero volume. State slots are named where they are used; a fresh state is all zeros.
"""

import numpy as np

from engine.kernels.jit import kernel


@kernel
def last_value(values, state, out):
    """The value of the bar itself: sampled at a tick it is the latest one known."""
    out[:] = values


@kernel
def first_value(values, state, out):
    """The first value seen. state: count, value."""
    for row in range(len(values)):
        if state[0] == 0.0:
            state[0], state[1] = 1.0, values[row]
        out[row] = state[1]


@kernel
def highest_value(values, state, out):
    """The highest value seen. state: count, value."""
    for row in range(len(values)):
        state[1] = values[row] if state[0] == 0.0 else max(state[1], values[row])
        state[0] = 1.0
        out[row] = state[1]


@kernel
def lowest_value(values, state, out):
    """The lowest value seen. state: count, value."""
    for row in range(len(values)):
        state[1] = values[row] if state[0] == 0.0 else min(state[1], values[row])
        state[0] = 1.0
        out[row] = state[1]


@kernel
def total_value(values, state, out):
    """The sum of values seen. state: sum."""
    total = state[0]
    for row in range(len(values)):
        total += values[row]
        out[row] = total
    state[0] = total


@kernel
def count_bars(values, state, out):
    """How many bars were seen. state: count."""
    for row in range(len(values)):
        state[0] += 1.0
        out[row] = state[0]


@kernel
def volume_weighted_price(high, low, close, volume, state, out):
    """sum(typical price x volume) / sum(volume), typical price = (high + low + close) / 3; NaN at zero volume.

    state: sum of price x volume, sum of volume.
    """
    turnover, total = state[0], state[1]
    for row in range(len(close)):
        turnover += (high[row] + low[row] + close[row]) / 3.0 * volume[row]
        total += volume[row]
        out[row] = turnover / total if total > 0.0 else np.nan
    state[0], state[1] = turnover, total
