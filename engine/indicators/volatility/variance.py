"""Variance."""

from engine.compute.shared.moments import window_moments
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
    params=(Param("period", 20, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def variance(values, period, state, work, out):
    """Population variance (divided by n, as TA-Lib's VAR) of the last `period` values.

    NaN: while it is in the window. Flat: exactly 0, and never below. Too short: NaN.
    """
    window_moments(values, period, state, work, out[:0], out)
    for row in range(len(out)):
        out[row] /= period
