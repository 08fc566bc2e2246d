"""Midpoint."""

from engine.kernels.jit import kernel
from engine.kernels.shared.past import window_size
from engine.kernels.shared.peak import window_midrange


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
def midpoint(values, period, state, work, out):
    """Midpoint: (highest + lowest) / 2 of the last `period` values, as TA-Lib's MIDPOINT.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    window_midrange(values, values, period, state, work, out)
