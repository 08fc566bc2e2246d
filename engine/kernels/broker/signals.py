"""What the columns of strategies ask for at an instant becomes orders.

1. exits        a position whose exit holds is sent out at the market; an entry on its way is called back
2. entries      where there is no position on that side and no entry on its way
3. weights      the difference between what is held and the part of equity that is wanted, reductions first
"""

from __future__ import annotations

import math

from engine.kernels.broker.money import round_lot, wanted
from engine.kernels.broker.placing import accept, cancel_entries, compact, new_order, reference, refuse, submit
from engine.kernels.broker.records import (
    EXIT_SIGNAL,
    LIMIT,
    MARKET,
    NO_PRICE,
    NO_SIZE,
    REBALANCE,
    REVERSAL,
    STOP,
    STOP_LIMIT,
)  # fmt: skip
from engine.runtime.jit import njit


@njit
def send_out(books, strategy, symbol, reason, now):
    """Close a position at the market, unless it is on its way out already."""
    position = books.positions[strategy, symbol]
    if position.quantity == 0.0 or position.exiting:
        return
    side = -1 if position.quantity > 0.0 else 1
    place = new_order(books, strategy, symbol, side, MARKET, abs(position.quantity), now, reason)
    order = books.orders[place]
    order.reduce, order.day = True, False  # it waits for the next bar, however long a halt lasts
    order.frees = abs(position.quantity) * books.quotes[symbol].last
    order.scanner, order.found = position.scanner, position.found
    accept(books, place)
    position.exiting = True


@njit
def act(books, signals, first, last, now):
    """The signals [first, last) of one strategy at one instant."""
    weights = False
    for i in range(first, last):
        signal = signals[i]
        if not math.isnan(signal.weight):
            weights = True
            continue
        _exit(books, signal, now)
        if signal.side != 0:
            _enter(books, signal, now)
    if weights:
        _rebalance(books, signals, first, last, now)
    compact(books)


@njit
def _exit(books, signal, now):
    position = books.positions[signal.strategy, signal.symbol]
    long, short = signal.exit_long, signal.exit_short
    if (position.quantity > 0.0 and long > 0) or (position.quantity < 0.0 and short > 0):
        send_out(books, signal.strategy, signal.symbol, long if position.quantity > 0.0 else short, now)
    if position.entering > 0 and (long > 0 if position.entering_side > 0 else short > 0):
        cancel_entries(books, signal.strategy, signal.symbol, EXIT_SIGNAL, now)


@njit
def _enter(books, signal, now):
    strategy, position = books.strategies[signal.strategy], books.positions[signal.strategy, signal.symbol]
    if position.quantity * signal.side > 0.0 and not position.exiting:
        return
    if strategy.once and position.entered_session == books.account[0].session:
        return
    if position.entering > 0:
        if position.entering_side == signal.side:
            return
        cancel_entries(books, signal.strategy, signal.symbol, REVERSAL, now)
    if position.quantity != 0.0:
        send_out(books, signal.strategy, signal.symbol, REVERSAL, now)
    kind = MARKET
    if signal.limit > 0.0:
        kind = STOP_LIMIT if signal.stop > 0.0 else LIMIT
    elif signal.stop > 0.0:
        kind = STOP
    place = new_order(books, signal.strategy, signal.symbol, signal.side, kind, 0.0, now, signal.reason)
    order = books.orders[place]
    order.limit, order.stop = signal.limit, signal.stop
    order.stop_loss, order.take_profit, order.trailing_stop = signal.stop_loss, signal.take_profit, signal.trailing_stop
    order.scanner, order.found = signal.scanner, signal.found
    price = reference(books, order)
    size = wanted(books, strategy.unit, signal.size, price, signal.stop_loss)
    if not price > 0.0:
        refuse(books, place, NO_PRICE, now)
    elif not size > 0.0:
        refuse(books, place, NO_SIZE, now)
    else:
        order.quantity = order.left = size
        submit(books, place, now, position.quantity != 0.0)


@njit
def _rebalance(books, signals, first, last, now):
    for adding in (False, True):
        for i in range(first, last):
            signal = signals[i]
            if math.isnan(signal.weight):
                continue
            position, strategy = books.positions[signal.strategy, signal.symbol], books.strategies[signal.strategy]
            last_price, equity = books.quotes[signal.symbol].last, books.account[0].equity
            if position.entering > 0 or position.exiting or not last_price > 0.0:
                continue
            target = signal.weight * equity / last_price
            lots = round_lot(abs(target), books.rules[0].lot)
            change = math.copysign(lots, target) - position.quantity
            grows = abs(position.quantity + change) > abs(position.quantity) or position.quantity * change > 0.0
            if grows != adding or change == 0.0:
                continue
            if lots > 0.0 and abs(change) * last_price < strategy.band * equity:
                continue
            if lots == 0.0:
                send_out(books, signal.strategy, signal.symbol, signal.reason if signal.reason else REBALANCE, now)
                continue
            place = new_order(books, signal.strategy, signal.symbol, 1 if change > 0.0 else -1, MARKET, abs(change), now,
                              signal.reason if signal.reason else REBALANCE)  # fmt: skip
            order = books.orders[place]
            order.scanner, order.found = signal.scanner, signal.found
            submit(books, place, now, False)
