"""Linear regression."""

import numpy as np

from engine.kernels import window_moments as moments
from engine.kernels.jit import kernel
from engine.kernels.steps import weighted_next, weighted_size

_window_moments = moments.window_moments


def state_size(period: int) -> int:
    """Length of the state."""
    return weighted_size(period) + moments.state_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def linear_regression(values, period, state, value, slope, r2):
    """Least-squares line through the last `period` values against their row: its value at the last row, its slope a row,
    and r squared.

    As TA-Lib's LINEARREG and LINEARREG_SLOPE. NaN: while it is in the window. Flat: the value, slope 0, r2 NaN. Too short: NaN.
    """
    split = 6 + 3 * period
    _window_moments(values, period, state[split:], value, r2)
    rows = period * (period * period - 1.0) / 12.0  # sum of squared deviations of 0 .. period - 1
    weights = period * (period + 1.0) / 2.0
    for row in range(len(values)):
        heavy, mean = weighted_next(values[row], period, state[:split]), value[row]
        slope[row] = (heavy - mean) * weights / rows if r2[row] != 0.0 else 0.0
        value[row] = mean + slope[row] * (period - 1.0) / 2.0
        r2[row] = slope[row] * slope[row] * rows / r2[row] if r2[row] > 0.0 else np.nan
