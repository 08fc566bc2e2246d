"""Momentum."""

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, ring_size


def state_size(period: int) -> int:
    """Length of the state."""
    return ring_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def mom(values, period, state, out):
    """Momentum: value - value `period` rows before, as TA-Lib's MOM.

    NaN: at that row and `period` rows later. Flat: 0. Too short: NaN.
    """
    for row in range(len(values)):
        out[row] = values[row] - before_next(values[row], period, state)
