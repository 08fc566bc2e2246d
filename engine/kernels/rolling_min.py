"""Lowest value of a sliding window."""

from engine.kernels.jit import kernel
from engine.kernels.shared.past import window_size
from engine.kernels.shared.peak import window_lowest


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
def rolling_min(values, period, state, work, out):
    """Lowest of the last `period` values, as TA-Lib's MIN.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    window_lowest(values, period, state, work, out)
