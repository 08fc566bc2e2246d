"""Variance."""

from engine.kernels import window_moments as moments
from engine.kernels.jit import kernel

_window_moments = moments.window_moments


def state_size(period: int) -> int:
    """Length of the state."""
    return moments.state_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def variance(values, period, state, out):
    """Population variance (divided by n, as TA-Lib's VAR) of the last `period` values.

    NaN: while it is in the window. Flat: exactly 0, and never below. Too short: NaN.
    """
    _window_moments(values, period, state, out, out)
    for row in range(len(values)):
        out[row] /= period
