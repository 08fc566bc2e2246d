"""Triangular moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return window_size((period + 1) // 2) + window_size(period // 2 + 1)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def trima(values, period, state, out):
    """Triangular moving average: a simple average of a simple average, of (period + 1) // 2 and period // 2 + 1 values.

    As TA-Lib's TRIMA. NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    first, second = (period + 1) // 2, period // 2 + 1
    inner, outer = state[: 4 + 2 * first], state[4 + 2 * first :]
    for row in range(len(values)):
        average = sum_next(values[row], first, inner) / first
        out[row] = sum_next(average, second, outer) / second if inner[0] >= first else np.nan
