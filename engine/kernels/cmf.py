"""Chaikin money flow."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def cmf(high, low, close, volume, period, state, out):
    """Chaikin money flow: sum of volume * ((close - low) - (high - close)) / (high - low) over sum of volume, of the
    last `period` bars.

    Marc Chaikin. NaN in any: while it is in the window. Flat (high = low): the bar counts 0. No volume in the window:
    NaN. Too short: NaN.
    """
    half = 4 + 2 * period
    for row in range(len(close)):
        reach = high[row] - low[row]
        flow = volume[row] * ((close[row] - low[row]) - (high[row] - close[row]))
        flow = flow / reach if reach != 0.0 else 0.0 * flow
        inward = sum_next(flow, period, state[:half])
        total = sum_next(volume[row], period, state[half:])
        out[row] = inward / total if total > 0.0 else np.nan
