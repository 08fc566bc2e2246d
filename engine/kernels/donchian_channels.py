"""Donchian channels."""

from engine.kernels.jit import kernel
from engine.kernels.shared.past import window_size
from engine.kernels.shared.peak import window_highest, window_lowest


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
def donchian_channels(high, low, period, state, work, upper, middle, lower):
    """Donchian channels: highest high, lowest low, and their middle, of the last `period` bars, the latest among them.

    Richard Donchian. NaN in either: while it is in the window. Flat: the price. Too short: NaN.
    """
    window_highest(high, period, state[:period], work, upper)
    window_lowest(low, period, state[period:], work, lower)
    for row in range(len(upper)):
        middle[row] = (upper[row] + lower[row]) / 2.0
