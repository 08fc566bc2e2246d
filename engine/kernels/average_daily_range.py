"""Average daily range in percent."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def average_daily_range(high, low, period, state, out):
    """Average range in percent: 100 * (mean of high / low over the last `period` bars - 1); at 1d, the average daily
    range (ADR %).

    NaN in either, or a low of 0: while it is in the window. Flat: 0. Too short: NaN.
    """
    for row in range(len(high)):
        ratio = high[row] / low[row] if low[row] > 0.0 else np.nan
        out[row] = 100.0 * (sum_next(ratio, period, state) / period - 1.0)
