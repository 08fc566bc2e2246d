"""Arnaud Legoux moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, ring_size


def state_size(period: int, offset: float, sigma: float) -> int:
    """Length of the state."""
    return ring_size(period)


def warmup(period: int, offset: float, sigma: float) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int, offset: float, sigma: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, offset, sigma)


@kernel
def alma(values, period, offset, sigma, state, out):
    """Arnaud Legoux moving average: weights exp(-(i - m) ** 2 / (2 s ** 2)), m = offset * (period - 1), s = period /
    sigma, over the
    last `period` values.

    Arnaud Legoux and Dimitrios Kouzis-Loukas (2009). NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    middle, spread = offset * (period - 1.0), period / sigma
    for row in range(len(values)):
        before_next(values[row], period, state)
        if state[0] < period:
            out[row] = np.nan
            continue
        total, weights, place = 0.0, 0.0, int(state[1])
        for i in range(period):
            weight = np.exp(-((i - middle) ** 2) / (2.0 * spread * spread))
            total += weight * state[2 + place]
            weights += weight
            place = place + 1 if place + 1 < period else 0
        out[row] = total / weights
