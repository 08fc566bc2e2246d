"""Z-score."""

import numpy as np

from engine.kernels import window_moments as moments
from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size

_window_moments = moments.window_moments


def state_size(period: int) -> int:
    """Length of the state."""
    return moments.state_size(period) + window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def zscore(values, period, state, out):
    """Z-score: (value - mean) / population standard deviation of the last `period` values.

    NaN: while it is in the window. Flat: NaN. Too short: NaN.
    """
    split = len(state) - 4 - 2 * period
    _window_moments(values, period, state[:split], out, out)
    for row in range(len(values)):
        mean = sum_next(values[row], period, state[split:]) / period
        out[row] = (values[row] - mean) / np.sqrt(out[row] / period) if out[row] > 0.0 else np.nan
