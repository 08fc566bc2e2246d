"""Historical volatility."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.moments import window_moments
from engine.kernels.shared.past import past_size, window_size, with_past


def state_size(period: int, annual: float) -> int:
    """The last value; the window's past."""
    return past_size(1) + window_size(period)


def warmup(period: int, annual: float) -> int:
    """Rows up to and including the first value."""
    return period + 1


def window(period: int, annual: float) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period, annual)


@kernel
def historical_volatility(values, period, annual, state, work, out):
    """Historical volatility: sample standard deviation of the last `period` log returns, times sqrt(annual), in percent.

    NaN, or a value that is not positive: while it is in the window. Flat: 0. Too short: NaN.
    """
    last = with_past(values, 1, state[:2], work)
    for row in range(len(out)):
        known = values[row] > 0.0 and last[row] > 0.0
        out[row] = np.log(values[row] / last[row]) if known else np.nan
    window_moments(out, period, state[2:], work, out[:0], out)
    for row in range(len(out)):
        out[row] = 100.0 * np.sqrt(out[row] / (period - 1.0) * annual)
