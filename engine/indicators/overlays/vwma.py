"""Volume-weighted moving average."""

import numpy as np

from engine.compute.shared.mean import mean_of_joined
from engine.compute.shared.peak import keep_between
from engine.compute.shared.rounding import ROUNDING
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close", "volume"),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def vwma(values, volume, period, state, work, out):
    """Volume-weighted moving average: sum(value * volume) / sum(volume) over the last `period`
    rows.

    NaN in either: while it is in the window. Flat: the value. No volume in the window: NaN. Too
    short: NaN.
    """
    joined = with_past(values, period - 1, state[:period], work)
    volumes = with_past(volume, period - 1, state[period:], work)
    amounts, mean_volume = take(len(joined), work), take(len(out), work)
    for i in range(len(amounts)):
        amounts[i] = joined[i] * volumes[i]
    mean_of_joined(amounts, period, work, out)
    mean_of_joined(volumes, period, work, mean_volume)
    # Rounding can take a mean out of its window only where all values that weigh anything are equal
    # but for rounding. Then the window's first value is the mean as well, or weighs nothing. Where
    # no window of the piece is like that, none is asked.
    near = 0
    for row in range(len(out)):
        mean = out[row] / mean_volume[row] if mean_volume[row] > 0.0 else np.nan
        apart = abs(amounts[row] - mean * volumes[row])
        near += apart <= ROUNDING * period * abs(mean) * mean_volume[row]
        out[row] = mean
    if near > 0:
        keep_between(joined, volumes, period, work, out)
