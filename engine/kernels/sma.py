"""Simple moving average."""

import numpy as np

from engine.kernels.jit import kernel


def state_size(period: int) -> int:
    """count, place in the block, sum of the block so far, the block, sums of the block before from each place on."""
    return 3 + period + period + 1


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """An exact function of its window."""
    return warmup(period)


@kernel
def sma(values, period, state, out):
    """Simple moving average: the mean of the last `period` values.

    The window is summed as the end of one block of `period` values plus the start of the next, so nothing is ever
    subtracted: no drift, and no value, however large, leaves a trace once it is out of the window.
    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    count, place, head = state[0], int(state[1]), state[2]
    block, tails = state[3 : 3 + period], state[3 + period :]
    for row in range(len(values)):
        value = values[row]
        head += value
        block[place] = value
        place += 1
        count += 1.0
        out[row] = (tails[place] + head) / period if count >= period else np.nan
        if place == period:
            tail = 0.0
            for i in range(period - 1, 0, -1):
                tail += block[i]
                tails[i] = tail
            place, head = 0, 0.0
    state[0], state[1], state[2] = count, place, head
