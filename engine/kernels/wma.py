"""Linearly weighted moving average."""

from engine.kernels.jit import kernel
from engine.kernels.steps import weighted_next, weighted_size


def state_size(period: int) -> int:
    """Length of the state."""
    return weighted_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def wma(values, period, state, out):
    """Linearly weighted moving average: weights 1 .. period, the latest value weighing most, as TA-Lib's WMA.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    for row in range(len(values)):
        out[row] = weighted_next(values[row], period, state)
