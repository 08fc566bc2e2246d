"""Triangular moving average."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return window_size((period + 1) // 2) + window_size(period // 2 + 1)


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
def trima(values, period, state, work, out):
    """Triangular moving average: a simple average of a simple average, of (period + 1) // 2 and
    period // 2 + 1 values.

    As TA-Lib's TRIMA. NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    first, second = (period + 1) // 2, period // 2 + 1
    window_mean(values, first, state[:first], work, out)
    window_mean(out, second, state[first:], work, out)
