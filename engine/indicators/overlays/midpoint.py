"""Midpoint."""

from engine.compute.shared.peak import window_midrange
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def midpoint(values, period, state, work, out):
    """Midpoint: (highest + lowest) / 2 of the last `period` values, as TA-Lib's MIDPOINT.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    window_midrange(values, values, period, state, work, out)
