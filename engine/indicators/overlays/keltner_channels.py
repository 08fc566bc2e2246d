"""Keltner channels."""

import numpy as np

from engine.compute.shared.ranges import AVERAGE_RANGE_SIZE, average_true_range
from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.indicators.register import Param, register


def state_size(period: int, atr_period: int, width: float) -> int:
    """EMA; the last close; average true range."""
    return 2 + AVERAGE_RANGE_SIZE


def warmup(period: int, atr_period: int, width: float) -> int:
    """Rows up to and including the first value."""
    return max(period, atr_period + 1)


def settle(period: int, atr_period: int, width: float) -> int:
    """Rows after which what was before does not matter."""
    return (
        warmup(period, atr_period, width)
        + rows_to_forget(2.0 / (period + 1))
        + rows_to_forget(1.0 / atr_period)
    )


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 20, 1), Param("atr_period", 10, 1), Param("width", 2.0, 0.0)),
    outputs=("upper", "middle", "lower"),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def keltner_channels(high, low, close, period, atr_period, width, state, upper, middle, lower):
    """Keltner channels: EMA of the close plus and minus `width` Wilder average true ranges.

    Chester Keltner (1960), in Linda Raschke's form. NaN in any: NaN at that row and the next; the
    averages pass it over. Flat: the bands meet. Too short: NaN.
    """
    average_true_range(high, low, close, atr_period, state[2:], upper)
    smooth(close, period, 2.0 / (period + 1.0), state[:2], middle)
    for row in range(len(close)):
        reach = width * upper[row]
        upper[row] = middle[row] + reach
        lower[row] = middle[row] - reach
        middle[row] = middle[row] if reach == reach else np.nan
