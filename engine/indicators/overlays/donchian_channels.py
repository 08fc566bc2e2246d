"""Donchian channels."""

from engine.compute.shared.peak import window_highest, window_lowest
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("high", "low"),
    params=(Param("period", 20, 1),),
    outputs=("upper", "middle", "lower"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def donchian_channels(high, low, period, state, work, upper, middle, lower):
    """Donchian channels: highest high, lowest low, and their middle, of the last `period` bars, the
    latest among them.

    Richard Donchian. NaN in either: while it is in the window. Flat: the price. Too short: NaN.
    """
    window_highest(high, period, state[:period], work, upper)
    window_lowest(low, period, state[period:], work, lower)
    for row in range(len(upper)):
        middle[row] = (upper[row] + lower[row]) / 2.0
