"""Williams %R."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import peak_next, window_size


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
def williams_r(high, low, close, period, state, out):
    """Williams %R: -100 * (highest high - close) / (highest high - lowest low) of the last `period` bars, as TA-Lib's WILLR.

    Larry Williams (1979). NaN in any: while it is in the window. Flat (highest = lowest): NaN, where TA-Lib says 0. Too
    short: NaN.
    """
    half = 4 + 2 * period
    for row in range(len(close)):
        top = peak_next(high[row], period, state[:half])
        reach = top + peak_next(-low[row], period, state[half:])
        out[row] = -100.0 * (top - close[row]) / reach if reach != 0.0 else np.nan
