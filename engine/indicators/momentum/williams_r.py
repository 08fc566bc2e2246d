"""Williams %R."""

import numpy as np

from engine.compute.shared.peak import window_highest, window_lowest
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def williams_r(high, low, close, period, state, work, out):
    """Williams %R: -100 * (highest high - close) / (highest high - lowest low) of the last `period`
    bars, as TA-Lib's WILLR.

    Larry Williams (1979). NaN in any: while it is in the window. Flat (highest = lowest): NaN,
    where TA-Lib says 0. Too short: NaN.
    """
    bottom = take(len(out), work)
    window_highest(high, period, state[:period], work, out)
    window_lowest(low, period, state[period:], work, bottom)
    for row in range(len(out)):
        reach = out[row] - bottom[row]
        out[row] = -100.0 * ((out[row] - close[row]) / reach) if reach != 0.0 else np.nan
