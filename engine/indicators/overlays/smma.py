"""Smoothed moving average, Wilder's."""

from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """count, average."""
    return 2


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@register(
    inputs=("close",),
    params=(Param("period", 14, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def smma(values, period, state, out):
    """Smoothed moving average, Wilder's: average = average * (1 - 1 / period) + value / period,
    seeded with the mean of the first values.

    J. Welles Wilder (1978); also called RMA. NaN: NaN at that row, which is otherwise passed over.
    Flat: the value. Too short: NaN.
    """
    smooth(values, period, 1.0 / period, state, out)
