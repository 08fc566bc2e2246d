"""Coppock curve."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, ring_size, weighted_next, weighted_size


def state_size(long: int, short: int, period: int) -> int:
    """Length of the state."""
    return ring_size(long) + ring_size(short) + weighted_size(period)


def warmup(long: int, short: int, period: int) -> int:
    """Rows up to and including the first value."""
    return max(long, short) + period


def settle(long: int, short: int, period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(long, short, period)


@kernel
def coppock(values, long, short, period, state, out):
    """Coppock curve: WMA(period) of the rates of change in percent over `long` and `short` rows together.

    Edwin Coppock, Barron's (1962). NaN: while it is in a window. Flat: 0. A value of 0 before: NaN. Too short: NaN.
    """
    one = 2 + long
    two = one + 2 + short
    for row in range(len(values)):
        value = values[row]
        far, near = before_next(value, long, state[:one]), before_next(value, short, state[one:two])
        if state[0] <= long or state[one] <= short:
            out[row] = np.nan
            continue
        known = far != 0.0 and near != 0.0
        rate = 100.0 * (value / far - 1.0) + 100.0 * (value / near - 1.0) if known else np.nan
        out[row] = weighted_next(rate, period, state[two:])
