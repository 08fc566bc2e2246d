"""Standard deviation of a sliding window."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.moments import window_moments
from engine.kernels.shared.past import window_size


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
def stddev(values, period, state, work, out):
    """Population standard deviation (divided by n, as TA-Lib's STDDEV) of the last `period` values.

    NaN: while it is in the window. Flat: exactly 0. Too short: NaN.
    """
    window_moments(values, period, state, work, out[:0], out)
    for row in range(len(out)):
        out[row] = np.sqrt(out[row] / period)
