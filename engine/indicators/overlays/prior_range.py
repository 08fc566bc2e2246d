"""Range of the bars before."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.peak import window_highest, window_lowest
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Three windows' past; what they were at the last bar."""
    return 3 * window_size(period) + 3 * past_size(1)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("high", "low", "volume"),
    params=(Param("period", 5, 1),),
    outputs=("high", "low", "volume"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def prior_range(high, low, volume, period, state, work, top, bottom, mean_volume):
    """Highest high, lowest low and mean volume of the `period` bars before the latest one: what a
    breakout is measured against.

    NaN in any: at that row, and while it is among them. Flat: the price. Too short: NaN.
    """
    window_highest(high, period, state[:period], work, top)
    window_lowest(low, period, state[period : 2 * period], work, bottom)
    window_mean(volume, period, state[2 * period : 3 * period], work, mean_volume)
    last = 3 * period
    top[:] = with_past(top, 1, state[last : last + 2], work)[:-1]
    bottom[:] = with_past(bottom, 1, state[last + 2 : last + 4], work)[:-1]
    mean_volume[:] = with_past(mean_volume, 1, state[last + 4 :], work)[:-1]
    for row in range(len(top)):
        if np.isnan(high[row] + low[row] + volume[row]):
            top[row] = bottom[row] = mean_volume[row] = np.nan
