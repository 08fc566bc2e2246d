"""Relative strength index, Wilder's."""

from engine.compute.shared.smooth import rows_to_forget
from engine.compute.shared.strength import STRENGTH_SIZE, strength
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """count, last value, average gain, average loss."""
    return STRENGTH_SIZE


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows until the seed's weight is below 1e-9."""
    return warmup(period) + rows_to_forget(1.0 / period)


@register(
    inputs=("close",),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def rsi(values, period, state, out):
    """Wilder's relative strength index: 100 * gain / (gain + loss), both smoothed by 1 / period.

    J. Welles Wilder, New Concepts in Technical Trading Systems (1978); seeded with the mean of the
    first `period` changes, as TA-Lib's RSI. NaN: NaN at that row, which is otherwise passed over.
    Flat (no change at all): 50, where TA-Lib says 0. Too short: NaN.
    """
    strength(values, period, state, out)
