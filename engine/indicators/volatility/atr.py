"""Average true range, Wilder's."""

from engine.compute.shared.ranges import AVERAGE_RANGE_SIZE, average_true_range
from engine.compute.shared.smooth import rows_to_forget
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The last close; count and average."""
    return AVERAGE_RANGE_SIZE


def warmup(period: int) -> int:
    """Rows up to and including the first value: the first bar has no true range."""
    return period + 1


def settle(period: int) -> int:
    """Rows until the seed's weight is below 1e-9."""
    return warmup(period) + rows_to_forget(1.0 / period)


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 14, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def atr(high, low, close, period, state, out):
    """Wilder's average true range: the true range smoothed by 1 / period.

    True range = max(high, last close) - min(low, last close). Wilder (1978); seeded with the mean
    of the first `period` true ranges, as TA-Lib's ATR. NaN in any input: NaN at that row, which the
    average passes over. Flat: 0. Too short: NaN.
    """
    average_true_range(high, low, close, period, state, out)
