"""Lowest value of a sliding window."""

import numpy as np

from engine.kernels.jit import kernel


def state_size(period: int) -> int:
    """count, place in the block, its extreme so far, the block, the extreme from each place of the one before on."""
    return 3 + period + period + 1


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """An exact function of its window."""
    return warmup(period)


@kernel
def rolling_min(values, period, state, out):
    """Lowest of the last `period` values, as TA-Lib's MIN.

    Three comparisons a value however long the window: the end of one block of `period` values and the start of the next
    (M. van Herk, 1992). NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    count, place, head = state[0], int(state[1]), state[2]
    block, tails = state[3 : 3 + period], state[3 + period :]
    for row in range(len(values)):
        value = values[row]
        if place == 0 or not (head <= value or head != head):
            head = value
        block[place] = value
        place += 1
        count += 1.0
        if count < period:
            out[row] = np.nan
        elif place == period or head <= tails[place] or head != head:
            out[row] = head
        else:
            out[row] = tails[place]
        if place == period:
            tail = block[period - 1]
            for i in range(period - 1, 0, -1):
                if not (tail <= block[i] or tail != tail):
                    tail = block[i]
                tails[i] = tail
            place = 0
    state[0], state[1], state[2] = count, place, head
