"""Rolling rank."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, ring_size


def state_size(period: int) -> int:
    """Length of the state."""
    return ring_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def rolling_rank(values, period, state, out):
    """Rank of the value among the last `period` ones, itself included: the share of them that are at most it, 0 to 1.

    NaN: while it is in the window. Flat: 1. Too short: NaN.
    """
    ring = state[2:]
    for row in range(len(values)):
        before_next(values[row], period, state)
        if state[0] < period:
            out[row] = np.nan
            continue
        below, hurt = 0.0, 0.0
        for i in range(period):
            below += ring[i] <= values[row]
            hurt += ring[i]
        out[row] = below / period if hurt == hurt else np.nan
