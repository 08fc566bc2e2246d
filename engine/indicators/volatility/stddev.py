"""Standard deviation of a sliding window."""

import numpy as np

from engine.compute.shared.moments import window_moments
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 20, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def stddev(values, period, state, work, out):
    """Population standard deviation (divided by n, as TA-Lib's STDDEV) of the last `period` values.

    NaN: while it is in the window. Flat: exactly 0. Too short: NaN.
    """
    window_moments(values, period, state, work, out[:0], out)
    for row in range(len(out)):
        out[row] = np.sqrt(out[row] / period)
