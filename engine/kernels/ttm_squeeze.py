"""TTM squeeze."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, peak_next, ring_size, sum_next, weighted_next, weighted_size, window_size


def state_size(period: int, width: float, channel: float) -> int:
    """Length of the state."""
    return 2 + ring_size(period) + 5 * window_size(period) + weighted_size(period)


def warmup(period: int, width: float, channel: float) -> int:
    """Rows up to and including the first value."""
    return 2 * period - 1


def settle(period: int, width: float, channel: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, width, channel)


@kernel
def ttm_squeeze(high, low, close, period, width, channel, state, squeeze, momentum):
    """TTM squeeze: squeeze is 1 while the Bollinger Bands (`width` deviations) lie within the Keltner channel (`channel`
    mean true ranges), else
    0; momentum is the end of the regression line through the last `period` values of close - (middle of the range + SMA) / 2.

    John Carter, Mastering the Trade (2005). NaN in any: while it is in a window. Flat: squeeze 0, momentum 0. Too short: NaN.
    """
    size = 4 + 2 * period
    ring = state[4 : 4 + period]
    base = 4 + period
    for row in range(len(close)):
        squeeze[row] = momentum[row] = np.nan
        first, last = state[0] == 0.0, state[1]
        state[0], state[1] = 1.0, close[row]
        reach = high[row] - low[row] if first else max(high[row], last) - min(low[row], last)
        before_next(close[row], period, state[2 : 4 + period])
        mean = sum_next(close[row], period, state[base : base + size]) / period
        ranged = sum_next(reach + 0.0 * close[row], period, state[base + size : base + 2 * size]) / period
        top = peak_next(high[row], period, state[base + 2 * size : base + 3 * size])
        bottom = -peak_next(-low[row], period, state[base + 3 * size : base + 4 * size])
        if state[2] < period:
            continue
        square = 0.0
        for i in range(period):
            square += (ring[i] - mean) * (ring[i] - mean)
        apart = close[row] - ((top + bottom) / 2.0 + mean) / 2.0
        heavy = weighted_next(apart, period, state[base + 5 * size :])
        total = sum_next(apart, period, state[base + 4 * size : base + 5 * size]) / period
        if state[base + 4 * size] < period:
            continue
        squeeze[row] = 1.0 if width * np.sqrt(square / period) < channel * ranged else 0.0 * (square + ranged)
        momentum[row] = total + 3.0 * (heavy - total)  # mean + slope * (period - 1) / 2
