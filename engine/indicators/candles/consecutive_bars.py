"""Consecutive up or down bars."""

import numpy as np

from engine.compute.shared.run_lengths import RUNS_SIZE, run_lengths
from engine.indicators.register import register


def state_size() -> int:
    """Whether there was a value, the last one, the run."""
    return RUNS_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 2


@register(
    inputs=("close",),
    state_size=state_size,
    warmup=warmup,
)
def consecutive_bars(values, state, out):
    """How many bars in a row the value rose (positive) or fell (negative); 0 where it did not
    change.

    NaN: NaN at that row, which is otherwise passed over. Flat: 0. Too short (the first bar): NaN.
    """
    fresh = state[0] == 0.0
    run_lengths(values, state, out)
    row = 0
    while fresh and row < len(out):
        fresh = out[row] != out[row]
        out[row] = np.nan
        row += 1
