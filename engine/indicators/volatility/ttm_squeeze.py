"""TTM squeeze."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.moments import window_moments
from engine.compute.shared.peak import window_midrange
from engine.compute.shared.ranges import RANGES_SIZE, true_ranges
from engine.compute.shared.scratch import take
from engine.compute.shared.weighted import weighted_size, window_weighted_mean
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int, width: float, channel: float) -> int:
    """The last close; five windows' past; the weighted mean's."""
    return RANGES_SIZE + 5 * window_size(period) + weighted_size(period)


def warmup(period: int, width: float, channel: float) -> int:
    """Rows up to and including the first value."""
    return 2 * period - 1


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 20, 2), Param("width", 2.0, 0.0), Param("channel", 1.5, 0.0)),
    outputs=("squeeze", "momentum"),
    state_size=state_size,
    warmup=warmup,
)
def ttm_squeeze(high, low, close, period, width, channel, state, work, squeeze, momentum):
    """TTM squeeze: squeeze is 1 while the Bollinger Bands (`width` deviations) lie within the
    Keltner channel (`channel` mean true ranges), else 0; momentum is the end of the regression line
    through the last `period` values of close - (middle of the range + SMA) / 2.

    John Carter, Mastering the Trade (2005). NaN in any: while it is in a window. Flat: squeeze 0,
    momentum 0. Too short: NaN.
    """
    rows, two = len(close), 2 + period
    mean, square, reach, weighted = (
        take(rows, work),
        take(rows, work),
        take(rows, work),
        take(rows, work),
    )
    true_ranges(high, low, close, state[:2], reach)
    window_mean(reach, period, state[2:two], work, reach)
    window_moments(close, period, state[two : two + period], work, mean, square)
    window_midrange(high, low, period, state[two + period : two + 3 * period], work, momentum)
    for row in range(rows):
        momentum[row] = close[row] - (momentum[row] + mean[row]) / 2.0
    window_weighted_mean(momentum, period, state[two + 4 * period :], weighted)
    window_mean(momentum, period, state[two + 3 * period : two + 4 * period], work, mean)
    for row in range(rows):
        momentum[row] = (
            3.0 * weighted[row] - 2.0 * mean[row]
        )  # the line's end: mean + slope * (period - 1) / 2
        inside = width * np.sqrt(square[row] / period) < channel * reach[row]
        squeeze[row] = (1.0 if inside else 0.0) + 0.0 * (square[row] + reach[row] + momentum[row])
