"""Consecutive up or down bars."""

import numpy as np

from engine.kernels.jit import kernel


def state_size() -> int:
    """Length of the state."""
    return 3


def warmup() -> int:
    """Rows up to and including the first value."""
    return 2


def settle() -> int:
    """Rows after which what was before does not matter."""
    return 2


@kernel
def consecutive_bars(values, state, out):
    """How many bars in a row the value rose (positive) or fell (negative); 0 where it did not change.

    NaN: NaN at that row, which is otherwise passed over. Flat: 0. Too short (the first bar): NaN.
    """
    for row in range(len(values)):
        value = values[row]
        if value != value:
            out[row] = np.nan
            continue
        if state[0] == 0.0:
            out[row] = np.nan
        elif value > state[1]:
            state[2] = max(state[2], 0.0) + 1.0
            out[row] = state[2]
        elif value < state[1]:
            state[2] = min(state[2], 0.0) - 1.0
            out[row] = state[2]
        else:
            state[2] = 0.0
            out[row] = 0.0
        state[0], state[1] = 1.0, value
