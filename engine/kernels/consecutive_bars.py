"""Consecutive up or down bars."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.runs import RUNS_SIZE, run_lengths


def state_size() -> int:
    """Whether there was a value, the last one, the run."""
    return RUNS_SIZE


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
    fresh = state[0] == 0.0
    run_lengths(values, state, out)
    row = 0
    while fresh and row < len(out):
        fresh = out[row] != out[row]
        out[row] = np.nan
        row += 1
