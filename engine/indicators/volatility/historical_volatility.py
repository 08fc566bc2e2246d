"""Historical volatility."""

import numpy as np

from engine.compute.shared.moments import window_moments
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int, annual: float) -> int:
    """The last value; the window's past."""
    return past_size(1) + window_size(period)


def warmup(period: int, annual: float) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("close",),
    params=(Param("period", 20, 2), Param("annual", 252.0, 1.0)),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def historical_volatility(values, period, annual, state, work, out):
    """Historical volatility: sample standard deviation of the last `period` log returns, times
    sqrt(annual), in percent.

    NaN, or a value that is not positive: while it is in the window. Flat: 0. Too short: NaN.
    """
    last = with_past(values, 1, state[:2], work)
    for row in range(len(out)):
        known = values[row] > 0.0 and last[row] > 0.0
        out[row] = np.log(values[row] / last[row]) if known else np.nan
    window_moments(out, period, state[2:], work, out[:0], out)
    for row in range(len(out)):
        out[row] = 100.0 * np.sqrt(out[row] / (period - 1.0) * annual)
