"""Historical volatility."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, ring_size, sum_next, window_size


def state_size(period: int, annual: float) -> int:
    """Length of the state."""
    return 4 + 2 * window_size(period) + ring_size(period)


def warmup(period: int, annual: float) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int, annual: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, annual)


@kernel
def historical_volatility(values, period, annual, state, out):
    """Historical volatility: sample standard deviation of the last `period` log returns, times sqrt(annual), in percent.

    NaN, or a value that is not positive: while it is in the window. Flat: 0. Too short: NaN.
    """
    size = 4 + 2 * period
    ring = state[4 + 2 * size + 2 :]
    for row in range(len(values)):
        first, last = state[0] == 0.0, state[1]
        state[0], state[1] = 1.0, values[row]
        if first:
            out[row] = np.nan
            continue
        change = np.log(values[row] / last) if values[row] > 0.0 and last > 0.0 else np.nan
        before_next(change, period, state[4 + 2 * size :])
        mean = sum_next(change, period, state[4 : 4 + size]) / period
        spread = 0.0
        for i in range(period):
            spread += (ring[i] - mean) * (ring[i] - mean)
        out[row] = 100.0 * np.sqrt(spread / (period - 1.0) * annual) if mean == mean else np.nan
