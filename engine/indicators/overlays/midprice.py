"""Midpoint price."""

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
    inputs=("high", "low"),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def midprice(high, low, period, state, work, out):
    """Midpoint price: (highest high + lowest low) / 2 of the last `period` bars, as TA-Lib's
    MIDPRICE.

    NaN in either: while it is in the window. Flat: the price. Too short: NaN.
    """
    window_midrange(high, low, period, state, work, out)
