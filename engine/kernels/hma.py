"""Hull moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import weighted_next, weighted_size


def state_size(period: int) -> int:
    """Length of the state."""
    return weighted_size(period // 2) + weighted_size(period) + weighted_size(int(period**0.5))


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + int(period**0.5) - 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def hma(values, period, state, out):
    """Hull moving average: WMA(2 * WMA(period // 2) - WMA(period)) over int(sqrt(period)) values.

    Alan Hull (2005). NaN: while it is in a window. Flat: the value. Too short: NaN.
    """
    half, root = period // 2, int(period**0.5)
    middle = 6 + 3 * half
    last = middle + 6 + 3 * period
    for row in range(len(values)):
        quick = weighted_next(values[row], half, state[:middle])
        slow = weighted_next(values[row], period, state[middle:last])
        ready = state[middle] >= period
        out[row] = weighted_next(2.0 * quick - slow, root, state[last:]) if ready else np.nan
