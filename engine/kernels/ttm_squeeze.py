"""TTM squeeze."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.mean import window_mean
from engine.kernels.shared.moments import window_moments
from engine.kernels.shared.past import window_size
from engine.kernels.shared.peak import window_midrange
from engine.kernels.shared.ranges import RANGES_SIZE, true_ranges
from engine.kernels.shared.weighted import weighted_size, window_weighted_mean
from engine.kernels.shared.work import take


def state_size(period: int, width: float, channel: float) -> int:
    """The last close; five windows' past; the weighted mean's."""
    return RANGES_SIZE + 5 * window_size(period) + weighted_size(period)


def warmup(period: int, width: float, channel: float) -> int:
    """Rows up to and including the first value."""
    return 2 * period - 1


def settle(period: int, width: float, channel: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, width, channel)


@kernel
def ttm_squeeze(high, low, close, period, width, channel, state, work, squeeze, momentum):
    """TTM squeeze: squeeze is 1 while the Bollinger Bands (`width` deviations) lie within the Keltner channel (`channel` mean
    true ranges), else 0; momentum is the end of the regression line through the last `period` values of close - (middle of the
    range + SMA) / 2.

    John Carter, Mastering the Trade (2005). NaN in any: while it is in a window. Flat: squeeze 0, momentum 0. Too short: NaN.
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
