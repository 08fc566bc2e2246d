"""Average daily range in percent."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("high", "low"),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def average_daily_range(high, low, period, state, work, out):
    """Average range in percent: 100 * (mean of high / low over the last `period` bars - 1); at 1d,
    the average daily range (ADR %).

    NaN in either, or a low of 0: while it is in the window. Flat: 0. Too short: NaN.
    """
    for row in range(len(out)):
        out[row] = high[row] / low[row] if low[row] > 0.0 else np.nan
    window_mean(out, period, state, work, out)
    for row in range(len(out)):
        out[row] = 100.0 * (out[row] - 1.0)
