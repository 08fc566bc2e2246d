"""Runs up and down."""

import numpy as np

from engine.runtime.jit import njit

RUNS_SIZE = 3


@njit
def run_lengths(values, state, out):
    """Write how many rows in a row the value rose (positive) or fell (negative); 0 at the first,
    and where it did not change.

    state (3): whether there was a value, the last one, the run. NaN: NaN at that row, which is
    otherwise passed over.
    """
    seen, last, run = state[0], state[1], state[2]
    for row in range(len(values)):
        value = values[row]
        if value != value:
            out[row] = np.nan
            continue
        if seen == 0.0 or value == last:
            run = 0.0
        else:
            run = max(run, 0.0) + 1.0 if value > last else min(run, 0.0) - 1.0
        seen, last = 1.0, value
        out[row] = run
    state[0], state[1], state[2] = seen, last, run
