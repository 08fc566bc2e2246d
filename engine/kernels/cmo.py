"""Chande momentum oscillator, Wilder-smoothed."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget


def state_size(period: int) -> int:
    """Length of the state."""
    return 4


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@kernel
def cmo(values, period, state, out):
    """Chande momentum oscillator: 100 * (gain - loss) / (gain + loss), both smoothed by 1 / period, as TA-Lib's CMO.

    Tushar Chande (1994), who summed without smoothing. NaN: NaN at that row, which is otherwise passed over. Flat: 0. Too
    short: NaN.
    """
    for row in range(len(values)):
        value = values[row]
        if value != value:
            out[row] = np.nan
            continue
        first, change = state[0] == 0.0, value - state[1]
        state[1] = value
        if first:
            state[0] = 1.0
            out[row] = np.nan
            continue
        state[0] += 1.0
        weight = 1.0 / period
        up, down = max(change, 0.0), max(-change, 0.0)
        if state[0] > period + 1:
            state[2] = state[2] * (1.0 - weight) + up * weight
            state[3] = state[3] * (1.0 - weight) + down * weight
        else:
            state[2] += up * weight
            state[3] += down * weight
        total = state[2] + state[3]
        ready = state[0] > period
        out[row] = (100.0 * (state[2] - state[3]) / total if total > 0.0 else 0.0) if ready else np.nan
