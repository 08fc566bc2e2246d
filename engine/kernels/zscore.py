"""Z-score."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.moments import window_moments
from engine.kernels.shared.past import window_size
from engine.kernels.shared.work import take


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
def zscore(values, period, state, work, out):
    """Z-score: (value - mean) / population standard deviation of the last `period` values.

    NaN: while it is in the window. Flat: NaN. Too short: NaN.
    """
    means, squares = take(len(out), work), take(len(out), work)
    window_moments(values, period, state, work, means, squares)
    for row in range(len(out)):
        out[row] = (
            (values[row] - means[row]) / np.sqrt(squares[row] / period)
            if squares[row] > 0.0
            else np.nan
        )
