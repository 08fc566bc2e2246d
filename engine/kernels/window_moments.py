"""Mean and sum of squared deviations of a sliding window, without cancellation."""

import numpy as np

from engine.kernels.jit import njit


def state_size(period: int) -> int:
    """count, place in the block, its mean and squares so far, the block, both from each place of the one before on."""
    return 4 + period + 2 * (period + 1)


@njit
def window_moments(values, period, state, means, squares):
    """Write the mean and the sum of squared deviations of the last `period` values at each row.

    The end of one block of `period` values and the start of the next are each built up by Welford's method (B. P.
    Welford, 1962) and merged by Chan's formula (Chan, Golub, LeVeque, 1979). Nothing is subtracted from what was
    summed before: the squares of a flat window are exactly 0 and never below, whatever came before it.
    means and squares may be the same array; squares are written last.
    """
    count, place, mean, square = state[0], int(state[1]), state[2], state[3]
    block = state[4 : 4 + period]
    tail_means = state[4 + period : 5 + 2 * period]
    tail_squares = state[5 + 2 * period :]
    for row in range(len(values)):
        value = values[row]
        block[place] = value
        place += 1
        count += 1.0
        step = value - mean
        mean += step / place
        square += step * (value - mean)
        if count >= period:
            apart = mean - tail_means[place] if place < period else 0.0
            means[row] = mean - apart * (period - place) / period
            squares[row] = square + tail_squares[place] + apart * apart * (place * (period - place) / period)
        else:
            means[row] = np.nan
            squares[row] = np.nan
        if place == period:
            mean, square = 0.0, 0.0
            for i in range(period - 1, 0, -1):
                step = block[i] - mean
                mean += step / (period - i)
                square += step * (block[i] - mean)
                tail_means[i], tail_squares[i] = mean, square
            place, mean, square = 0, 0.0, 0.0
    state[0], state[1], state[2], state[3] = count, place, mean, square
