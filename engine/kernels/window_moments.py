"""Mean and sum of squared deviations of a sliding window, without cancellation."""

import numpy as np

from engine.kernels.jit import njit


def state_size(period: int) -> int:
    """count, place in the block, shift, sums of the block, run of equal values, last value; the block; sums of the tails."""
    return 7 + period + 2 * (period + 1)


@njit
def window_moments(values, period, state, means, squares):
    """Write the mean and the sum of squared deviations of the last `period` values at each row.

    The end of one block of `period` values and the start of the next are summed apart, both as deviations from the mean
    of the earlier block (the shifted-data form; Chan, Golub and LeVeque, 1983), so values and squares of any size
    lose nothing to their distance from 0, and nothing is ever subtracted from a running sum. A window of equal values has exactly
    0, and none has less. NaN: while it is in the window.
    means and squares may be the same array; squares are written last.
    """
    count, place, shift = state[0], int(state[1]), state[2]
    first, second, run, last = state[3], state[4], state[5], state[6]
    block = state[7 : 7 + period]
    tail_first = state[7 + period : 8 + 2 * period]
    tail_second = state[8 + 2 * period :]
    part = 1.0 / period
    for row in range(len(values)):
        value = values[row]
        if count == 0.0:
            shift = value if value == value else 0.0
        apart = value - shift
        first += apart
        second += apart * apart
        block[place] = value
        place += 1
        count += 1.0
        run = run + 1.0 if value == last else 1.0
        last = value
        if count < period:
            means[row] = np.nan
            squares[row] = np.nan
        elif run >= period:
            means[row] = value
            squares[row] = 0.0
        else:
            total = tail_first[place] + first
            square = tail_second[place] + second - total * total * part
            means[row] = shift + total * part
            squares[row] = 0.0 if square < 0.0 else square
        if place == period:
            centre = shift + first * part
            shift = centre if centre - centre == 0.0 else 0.0  # a NaN in the block
            first, second = 0.0, 0.0
            for i in range(period - 1, 0, -1):
                apart = block[i] - shift
                first += apart
                second += apart * apart
                tail_first[i], tail_second[i] = first, second
            place, first, second = 0, 0.0, 0.0
    state[0], state[1], state[2] = count, place, shift
    state[3], state[4], state[5], state[6] = first, second, run, last
