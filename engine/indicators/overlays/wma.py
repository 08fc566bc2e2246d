"""Linearly weighted moving average."""

from engine.compute.shared.weighted import weighted_size, window_weighted_mean
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The weighted mean's."""
    return weighted_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
)
def wma(values, period, state, out):
    """Linearly weighted moving average: weights 1 .. period, the latest value weighing most, as
    TA-Lib's WMA.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    window_weighted_mean(values, period, state, out)
