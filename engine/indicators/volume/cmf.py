"""Chaikin money flow."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.rounding import between
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
    inputs=("high", "low", "close", "volume"),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def cmf(high, low, close, volume, period, state, work, out):
    """Chaikin money flow: sum of volume * ((close - low) - (high - close)) / (high - low) over sum
    of volume, of the last `period` bars.

    Marc Chaikin. NaN in any: while it is in the window. Flat (high = low): the bar counts 0. No
    volume in the window: NaN. Too short: NaN.
    """
    mean_volume = take(len(out), work)
    for row in range(len(out)):
        reach = high[row] - low[row]
        flow = volume[row] * ((close[row] - low[row]) - (high[row] - close[row]))
        out[row] = flow / reach if reach != 0.0 else 0.0 * flow
    window_mean(out, period, state[:period], work, out)
    window_mean(volume, period, state[period:], work, mean_volume)
    for row in range(len(out)):
        out[row] = (
            between(out[row] / mean_volume[row], -1.0, 1.0) if mean_volume[row] > 0.0 else np.nan
        )
