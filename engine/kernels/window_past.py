"""The values just before a piece of bars, for kernels that look back a fixed number of rows."""

import numpy as np

from engine.kernels.jit import njit


def state_size(period: int) -> int:
    """Whether there were rows before; the last `period` values, oldest first."""
    return 1 + period


@njit
def past_values(period, state):
    """The `period` values before the piece at hand, oldest first: NaN where there were none."""
    past = state[1 : 1 + period]
    if state[0] == 0.0:
        past[:] = np.nan
        state[0] = 1.0
    return past


@njit
def keep_past(values, past):
    """Make `past` what comes before the next piece."""
    rows, period = len(values), len(past)
    if rows >= period:
        past[:] = values[rows - period :]
    else:
        past[: period - rows] = past[rows:].copy()
        past[period - rows :] = values
