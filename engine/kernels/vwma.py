"""Volume-weighted moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def vwma(values, volume, period, state, out):
    """Volume-weighted moving average: sum(value * volume) / sum(volume) over the last `period` rows.

    NaN in either: while it is in the window. Flat: the value. No volume in the window: NaN. Too short: NaN.
    """
    half = 4 + 2 * period
    for row in range(len(values)):
        amount = sum_next(values[row] * volume[row], period, state[:half])
        total = sum_next(volume[row], period, state[half:])
        out[row] = amount / total if total > 0.0 else np.nan
