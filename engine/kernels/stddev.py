"""Standard deviation of a sliding window."""

import numpy as np

from engine.kernels import window_moments as moments
from engine.kernels.jit import kernel

_window_moments = moments.window_moments
state_size = moments.state_size


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """An exact function of its window."""
    return warmup(period)


@kernel
def stddev(values, period, state, out):
    """Population standard deviation (divided by n, as TA-Lib's STDDEV) of the last `period` values.

    NaN: while it is in the window. Flat: exactly 0. Too short: NaN.
    """
    _window_moments(values, period, state, out, out)
    for row in range(len(values)):
        out[row] = np.sqrt(out[row] / period)
