"""Relative strength index, Cutler's."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 2 + 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def rsi_cutler(values, period, state, out):
    """Cutler's relative strength index: 100 * gain / (gain + loss), both summed over the last `period` changes without smoothing.

    NaN: while it is in the window. Flat: 50. Too short: NaN.
    """
    half = 6 + 2 * period
    for row in range(len(values)):
        first, change = state[0] == 0.0, values[row] - state[1]
        state[0], state[1] = 1.0, values[row]
        if first:
            out[row] = np.nan
            continue
        gain = sum_next(change if change > 0.0 else 0.0 * change, period, state[2:half])
        loss = sum_next(-change if change < 0.0 else 0.0 * change, period, state[half:])
        total = gain + loss
        out[row] = 50.0 if total == 0.0 else 100.0 * gain / total
