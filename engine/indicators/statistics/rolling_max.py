"""Highest value of a sliding window."""

from engine.compute.shared.peak import window_highest
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def rolling_max(values, period, state, work, out):
    """Highest of the last `period` values, as TA-Lib's MAX.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    window_highest(values, period, state, work, out)
