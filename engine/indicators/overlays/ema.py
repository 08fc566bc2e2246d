"""Exponential moving average."""

from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """count, average."""
    return 2


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows until the seed's weight is below 1e-9."""
    return warmup(period) + rows_to_forget(2.0 / (period + 1))


@register(
    inputs=("close",),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def ema(values, period, state, out):
    """Exponential moving average: ema = ema * (1 - w) + value * w, w = 2 / (period + 1), seeded
    with the mean of the first values.

    As TA-Lib's EMA. NaN: NaN at that row, which is otherwise passed over. Flat: the value. Too
    short: NaN.
    """
    smooth(values, period, 2.0 / (period + 1.0), state, out)
