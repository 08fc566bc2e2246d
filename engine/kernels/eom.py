"""Ease of movement."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int, scale: float) -> int:
    """Length of the state."""
    return 2 + window_size(period)


def warmup(period: int, scale: float) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int, scale: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, scale)


@kernel
def eom(high, low, volume, period, scale, state, out):
    """Ease of movement: mean over `period` bars of (middle - last middle) * (high - low) * scale / volume, middle =
    (high + low) / 2.

    Richard Arms. NaN in any: while it is in the window. Flat: 0. Zero volume: the bar counts 0. Too short: NaN.
    """
    for row in range(len(high)):
        middle = (high[row] + low[row]) / 2.0
        first, change = state[0] == 0.0, middle - state[1]
        state[0], state[1] = 1.0, middle
        if first:
            out[row] = np.nan
            continue
        eased = change * (high[row] - low[row]) * scale
        eased = 0.0 * (eased + volume[row]) if volume[row] == 0.0 else eased / volume[row]
        out[row] = sum_next(eased, period, state[2:]) / period
