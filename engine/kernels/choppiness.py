"""Choppiness index."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import peak_next, sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 2 + 3 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def choppiness(high, low, close, period, state, out):
    """Choppiness index: 100 * log10(sum of true ranges / (highest high - lowest low)) / log10(period), over the last
    `period` bars.

    E. W. Dreiss. NaN in any: while it is in the window. Flat: NaN. Too short: NaN.
    """
    size = 4 + 2 * period
    for row in range(len(close)):
        first, last = state[0] == 0.0, state[1]
        state[0], state[1] = 1.0, close[row]
        if first:
            out[row] = np.nan
            continue
        reach = max(high[row], last) - min(low[row], last) + 0.0 * (close[row] + last)
        total = sum_next(reach, period, state[2 : 2 + size])
        top = peak_next(high[row], period, state[2 + size : 2 + 2 * size])
        span = top + peak_next(-low[row], period, state[2 + 2 * size :])
        out[row] = 100.0 * np.log10(total / span) / np.log10(period) if span > 0.0 and total > 0.0 else np.nan
