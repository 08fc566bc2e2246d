"""Supertrend."""

import numpy as np

from engine.compute.shared.ranges import AVERAGE_RANGE_SIZE, average_true_range
from engine.compute.shared.rounding import NOISE
from engine.compute.shared.smooth import rows_to_forget
from engine.indicators.register import Param, register


def state_size(period: int, width: float) -> int:
    """The last close; average true range; direction, bands and close before."""
    return AVERAGE_RANGE_SIZE + 4


def warmup(period: int, width: float) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int, width: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, width) + rows_to_forget(1.0 / period) + 250


SAME = 2.0 * NOISE  # of a price: it and a band that are no further apart are equal


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 10, 1), Param("width", 3.0, 0.0)),
    outputs=("line", "direction"),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def supertrend(high, low, close, period, width, state, line, direction):
    """Supertrend: bands of `width` Wilder average true ranges around (high + low) / 2, each moving
    only towards the price; the line is the lower band while the trend is up (direction 1) and the
    upper one while it is down (-1), and turns when the close crosses it (by more than rounding).

    Olivier Seban. Its path forgets where it began at its first turn after; 250 bars are taken to
    hold one. NaN in any: NaN at that row and the next, which are otherwise passed over. Flat: the
    price. Too short: NaN.
    """
    average_true_range(high, low, close, period, state[:4], line)
    side, top, bottom, last = state[4], state[5], state[6], state[7]
    least, most = (
        last - SAME * abs(last),
        last + SAME * abs(last),
    )  # what the last close may be but for rounding
    for row in range(len(close)):
        price, reach = close[row], width * line[row]
        low_price, high_price = price - SAME * abs(price), price + SAME * abs(price)
        direction[row] = np.nan
        if reach != reach:
            if price == price:
                last, least, most = price, low_price, high_price
            continue
        middle = (high[row] + low[row]) / 2.0
        upper, lower = middle + reach, middle - reach
        if side == 0.0:
            side = 1.0 if price >= middle else -1.0
        else:
            upper = upper if upper < top or least > top else top
            lower = lower if lower > bottom or most < bottom else bottom
            if side > 0.0:
                side = -1.0 if high_price < lower else 1.0
            else:
                side = 1.0 if low_price > upper else -1.0
        top, bottom, last, least, most = upper, lower, price, low_price, high_price
        line[row], direction[row] = lower if side > 0.0 else upper, side
    state[4], state[5], state[6], state[7] = side, top, bottom, last
