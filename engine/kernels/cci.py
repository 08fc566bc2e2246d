"""Commodity channel index."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, ring_size, sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return ring_size(period) + window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def cci(high, low, close, period, state, out):
    """Commodity channel index: (typical - mean) / (0.015 * mean absolute deviation) over the last `period` bars, typical =
    (high + low
    + close) / 3, as TA-Lib's CCI.

    Donald Lambert, Commodities (1980). NaN in any: while it is in the window. Flat: 0. Too short: NaN.
    """
    ring = state[2 : 2 + period]
    for row in range(len(close)):
        typical = (high[row] + low[row] + close[row]) / 3.0
        before_next(typical, period, state[: 2 + period])
        mean = sum_next(typical, period, state[2 + period :]) / period
        if state[0] < period:
            out[row] = np.nan
            continue
        spread = 0.0
        for i in range(period):
            spread += abs(ring[i] - mean)
        apart = typical - mean
        out[row] = apart / (0.015 * spread / period) if apart != 0.0 and spread != 0.0 else 0.0 * apart
