"""Ulcer index."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import peak_next, sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 2 * period - 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def ulcer_index(values, period, state, out):
    """Ulcer index: root of the mean square, over `period` rows, of the fall in percent from the highest of the last
    `period` values.

    Peter Martin and Byron McCann (1989). NaN: while it is in a window. Flat: 0. Too short: NaN.
    """
    half = 4 + 2 * period
    for row in range(len(values)):
        top = peak_next(values[row], period, state[:half])
        if state[0] < period:
            out[row] = np.nan
            continue
        fall = 100.0 * (values[row] / top - 1.0)
        out[row] = np.sqrt(sum_next(fall * fall, period, state[half:]) / period)
