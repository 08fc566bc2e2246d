"""Volume-weighted moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.mean import mean_of_joined
from engine.kernels.shared.past import window_size, with_past
from engine.kernels.shared.peak import keep_between
from engine.kernels.shared.prices import ROUNDING
from engine.kernels.shared.work import take


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
def vwma(values, volume, period, state, work, out):
    """Volume-weighted moving average: sum(value * volume) / sum(volume) over the last `period` rows.

    NaN in either: while it is in the window. Flat: the value. No volume in the window: NaN. Too short: NaN.
    """
    joined = with_past(values, period - 1, state[:period], work)
    volumes = with_past(volume, period - 1, state[period:], work)
    amounts, mean_volume = take(len(joined), work), take(len(out), work)
    for i in range(len(amounts)):
        amounts[i] = joined[i] * volumes[i]
    mean_of_joined(amounts, period, work, out)
    mean_of_joined(volumes, period, work, mean_volume)
    # Rounding can take a mean out of its window only where all values that weigh anything are equal but for rounding. Then the
    # window's first value is the mean as well, or weighs nothing. Where no window of the piece is like that, none is asked.
    near = 0
    for row in range(len(out)):
        mean = out[row] / mean_volume[row] if mean_volume[row] > 0.0 else np.nan
        apart = abs(amounts[row] - mean * volumes[row])
        near += apart <= ROUNDING * period * abs(mean) * mean_volume[row]
        out[row] = mean
    if near > 0:
        keep_between(joined, volumes, period, work, out)
