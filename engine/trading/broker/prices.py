"""The price at which a bar fills an order; NaN where it does not.

Each order is checked twice per bar: at the open, whose time is known, and within the bar, where
only the range is known.
"""

from __future__ import annotations

import math

from engine.runtime.jit import njit
from engine.trading.broker.decimals import add, to_grid
from engine.trading.broker.records import (
    AT_CLOSE,
    AT_OPEN,
    BY_LIMIT,
    BY_STOP,
    LIMIT,
    MARKET,
    SETTLED,
    STOP,
    STOP_LIMIT,
    TRAILING,
)


@njit
def at_least(side, price, level):
    """Whether a price has reached a stop's level.

    For a buy (side 1) at or above the level, for a sell (side -1) at or below.
    """
    return side * price >= side * level


@njit
def price_at_open(order, open_):
    """The open, where the order fills there; marks stops that the open reached."""
    kind, side = order.kind, order.side
    if kind == AT_CLOSE:
        return math.nan
    if kind == LIMIT:
        return open_ if side * open_ <= side * order.limit else math.nan
    if kind in (STOP, TRAILING, STOP_LIMIT):
        if not order.triggered and not at_least(side, open_, order.stop):
            return math.nan
        order.triggered = True
        if kind == STOP_LIMIT:
            return open_ if side * open_ <= side * order.limit else math.nan
    return open_


@njit
def price_within(order, open_, high, low):
    """The fill price within the bar's range.

    Of its first bar an order born in the bar knows only a part: see docs/trading.md.
    """
    kind, side = order.kind, order.side
    farthest = high if side > 0 else low  # towards a stop
    nearest = low if side > 0 else high  # towards a limit
    if kind == LIMIT:
        return _limit_within(order, open_, nearest)
    if order.triggered or kind in (MARKET, AT_CLOSE):
        return _rest_within(order, nearest)
    return _stop_within(order, open_, farthest)


@njit
def _rest_within(order, nearest):
    """The fill of a stop-limit whose stop was reached; other stops fill at the next open."""
    if order.kind == STOP_LIMIT and order.side * nearest <= order.side * order.limit:
        return order.limit
    return math.nan


@njit
def _stop_within(order, open_, farthest):
    side = order.side
    if order.born == AT_OPEN and at_least(side, open_, order.stop):
        order.triggered = True
        return open_  # the open went past it
    if not at_least(side, farthest, order.stop):
        return math.nan
    order.triggered = True
    price = order.stop
    if order.born in (BY_LIMIT, BY_STOP) and side * order.born_price >= side * price:
        price = order.born_price  # the entry itself was past it
    if order.kind != STOP_LIMIT:
        return price
    return price if side * price <= side * order.limit else math.nan


@njit
def _limit_within(order, open_, nearest):
    side, limit = order.side, order.limit
    if order.born == BY_LIMIT:
        return math.nan  # whether the bar came here after the entry is not known
    if side * nearest > side * limit:
        return math.nan
    if order.born == AT_OPEN and side * open_ <= side * limit:
        return open_
    if order.born == BY_STOP and side * order.born_price <= side * limit:
        return order.born_price
    return limit


@njit
def limit_on_grid(side, price, tick):
    """A limit price on the tick grid: lower for a buy, higher for a sell.

    Unchanged without a tick.
    """
    return to_grid(price, tick, side < 0) if tick > 0.0 else price


@njit
def stop_on_grid(side, price, tick):
    """A stop price on the tick grid: higher for a buy, lower for a sell."""
    return to_grid(price, tick, side > 0) if tick > 0.0 else price


@njit
def put_on_grid(order, tick):
    """Put all prices of an order on the grid; those of the bracket have the closing side."""
    order.limit = limit_on_grid(order.side, order.limit, tick)
    order.stop = stop_on_grid(order.side, order.stop, tick)
    order.stop_loss = stop_on_grid(-order.side, order.stop_loss, tick)
    order.take_profit = limit_on_grid(-order.side, order.take_profit, tick)


@njit
def follow(order, bar_start, high, low, close, tick):
    """Move a trailing stop's level after a bar, only in the position's favour."""
    if order.kind != TRAILING:
        return
    best = high if order.side < 0 else low
    if order.born_at == bar_start and order.born in (BY_LIMIT, BY_STOP):
        best = close  # of the bar it was born within only the close is certainly later
    level = stop_on_grid(order.side, add(best, order.side * order.trail), tick)
    if order.side * level < order.side * order.stop:
        order.stop = level


@njit
def settle(order):
    """Note that the bar in which the order was born is over."""
    order.born = SETTLED
