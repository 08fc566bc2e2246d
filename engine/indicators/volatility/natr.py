"""Normalized average true range."""

import numpy as np

from engine.compute.shared.ranges import AVERAGE_RANGE_SIZE, average_true_range
from engine.compute.shared.smooth import rows_to_forget
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The last close; count and average."""
    return AVERAGE_RANGE_SIZE


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 14, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def natr(high, low, close, period, state, out):
    """Normalized average true range: Wilder's ATR in percent of the close, as TA-Lib's NATR.

    NaN in any: NaN at that row, which the average passes over. Flat: 0. A close of 0: NaN. Too
    short: NaN.
    """
    average_true_range(high, low, close, period, state, out)
    for row in range(len(out)):
        out[row] = 100.0 * out[row] / close[row] if close[row] != 0.0 else np.nan
