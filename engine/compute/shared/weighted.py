"""Linearly weighted mean of a sliding window."""

import numpy as np

from engine.compute.shared.fma import fma
from engine.runtime.jit import njit


def weighted_size(period: int) -> int:
    """State of `window_weighted_mean`: rows seen, place in the block, its sum and weighted sum, the
    block's base; the block; sums of its tails.
    """
    return 5 + period + period + 1


@njit
def window_weighted_mean(values, period, state, out):
    """Write the mean of the last `period` values with weights 1 .. period, the latest weighing
    most.

    The end of one block of `period` values and the start of the next are summed apart, so nothing
    is ever subtracted from a running sum, at the same cost for any period. Summed are distances
    from the base, the last value of the block before, which is in every window but that of a
    block's last row (there it is that row's own value): so the mean of equal values is that value
    to the last bit, and none lies beyond the values of its window. NaN: while it is in the window.
    state: `weighted_size(period)`.
    """
    seen, place, head, weighted, base = state[0], int(state[1]), state[2], state[3], state[4]
    block, tails = (
        state[5 : 5 + period],
        state[5 + period :],
    )  # tails[i]: weighted sum of the block before, from place i on
    share = 2.0 / (period * (period + 1.0))
    rows, row = len(values), 0
    while row < rows:
        length = min(rows - row, period - place)
        piece, written = values[row : row + length], out[row : row + length]
        kept, before = block[place : place + length], tails[place + 1 : place + 1 + length]
        weight, older = float(place), float(period - place)
        for i in range(length):
            value = piece[i]
            apart = value - base
            weight += 1.0
            older -= 1.0
            head += apart
            weighted += apart * weight
            kept[i] = value
            written[i] = fma(fma(head, older, before[i] + weighted), share, base)
        row += length
        place += length
        if place == period:
            base = block[period - 1]
            tail, heavy = 0.0, 0.0
            for i in range(period - 1, -1, -1):
                tail += block[i] - base
                heavy += tail
                tails[i] = heavy
            out[row - 1] = fma(heavy, share, base)
            place, head, weighted = 0, 0.0, 0.0
    for i in range(min(rows, max(0, period - 1 - int(seen)))):
        out[i] = np.nan
    state[0], state[1], state[2], state[3], state[4] = seen + rows, place, head, weighted, base
