"""Narrow range."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import peak_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def narrow_range(high, low, period, state, out):
    """Narrow range: 1 where the bar's range is the smallest of the last `period` bars (NR4, NR7), else 0; a tie counts.

    Toby Crabel, Day Trading with Short Term Price Patterns (1990). NaN in either: while it is in the window. Flat: 1.
    Too short: NaN.
    """
    for row in range(len(high)):
        reach = high[row] - low[row]
        least = -peak_next(-reach, period, state)
        out[row] = (1.0 if reach <= least else 0.0) if least == least else np.nan
