"""Skewness."""

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
def skew(values, period, state, out):
    """Skewness (population, not corrected for bias) of the last `period` values, about their mean.

    NaN: while it is in the window. Flat: NaN. Too short: NaN.
    """
    ring = state[2:]
    for row in range(len(values)):
        before_next(values[row], period, state)
        if state[0] < period:
            out[row] = np.nan
            continue
        mean, square, cube = 0.0, 0.0, 0.0
        for i in range(period):
            mean += ring[i] - ring[0]
        mean = ring[0] + mean / period
        for i in range(period):
            apart = ring[i] - mean
            square += apart * apart
            cube += apart * apart * apart
        out[row] = cube / period / (square / period) ** 1.5 if square > 0.0 else np.nan
