"""Orders for the signals of columnar strategies at an instant.

1. exits        a position whose exit holds is closed at the market; its entry orders are cancelled
2. entries      where there is neither a position on that side nor an entry order
3. weights      orders for the difference between a position and its wanted part of equity,
   reductions first
"""

from __future__ import annotations

import math

from engine.runtime.jit import njit
from engine.trading.broker.decimals import add
from engine.trading.broker.money import round_lot
from engine.trading.broker.placing import (
    accept,
    cancel_entries,
    compact,
    give_size,
    new_order,
    staying,
    submit,
)
from engine.trading.broker.records import (
    ALIVE,
    EXIT_SIGNAL,
    LIMIT,
    MARKET,
    OPEN,
    REBALANCE,
    REVERSAL,
    STOP,
    STOP_LIMIT,
)


@njit
def send_out(ledger, strategy, symbol, reason, now):
    """Close at the market what market exits on their way leave of a position."""
    position = ledger.positions[strategy, symbol]
    if position.leaving > 0.0:
        _hold_on_to_exits(ledger, strategy, symbol)
    quantity = staying(ledger, position)
    if quantity == 0.0:
        return
    side = -1 if position.quantity > 0.0 else 1
    place = new_order(ledger, strategy, symbol, side, MARKET, quantity, now, reason)
    order = ledger.orders[place]
    order.reduce, order.day = True, False  # it waits for the next bar, however long a halt lasts
    order.reducing, order.frees = quantity, quantity * ledger.quotes[symbol].last
    order.scanner, order.found = position.scanner, position.found
    accept(ledger, place)


@njit
def _hold_on_to_exits(ledger, strategy, symbol):
    """Keep a position's market exits open as long as the order for the rest."""
    for i in range(ledger.counts[ALIVE]):
        order = ledger.orders[ledger.alive[i]]
        mine = order.strategy == strategy and order.symbol == symbol
        if mine and order.status == OPEN and order.kind == MARKET and order.reducing > 0.0:
            order.day = False


@njit
def opens(signals, first, last):
    """Whether one of the signals [first, last) may open a position or change a weight."""
    for i in range(first, last):
        if signals[i].side != 0 or not math.isnan(signals[i].weight):
            return True
    return False


@njit
def act(ledger, signals, first, last, now):
    """The signals [first, last) of one strategy at one instant."""
    weights = False
    for i in range(first, last):
        signal = signals[i]
        if not math.isnan(signal.weight):
            weights = True
            continue
        position = ledger.positions[signal.strategy, signal.symbol]
        if position.quantity != 0.0 or position.entering > 0:
            _exit(ledger, signal, now)
        entered = position.entered_session == ledger.account[0].session
        if signal.side != 0 and not (entered and ledger.strategies[signal.strategy].once):
            _enter(ledger, signal, now)
    if weights:
        _rebalance(ledger, signals, first, last, now)
    compact(ledger)


@njit
def _exit(ledger, signal, now):
    position = ledger.positions[signal.strategy, signal.symbol]
    long, short = signal.exit_long, signal.exit_short
    if (position.quantity > 0.0 and long > 0) or (position.quantity < 0.0 and short > 0):
        send_out(
            ledger, signal.strategy, signal.symbol, long if position.quantity > 0.0 else short, now
        )
    if position.entering > 0 and (long > 0 if position.entering_side > 0 else short > 0):
        cancel_entries(ledger, signal.strategy, signal.symbol, EXIT_SIGNAL, now)


@njit
def _enter(ledger, signal, now):
    strategy, position = (
        ledger.strategies[signal.strategy],
        ledger.positions[signal.strategy, signal.symbol],
    )
    if position.quantity * signal.side > 0.0 and staying(ledger, position) > 0.0:
        return
    if position.entering > 0:
        if position.entering_side == signal.side:
            return
        cancel_entries(ledger, signal.strategy, signal.symbol, REVERSAL, now)
    if position.quantity != 0.0:
        send_out(ledger, signal.strategy, signal.symbol, REVERSAL, now)
    kind = MARKET
    if not math.isnan(signal.limit):
        kind = LIMIT if math.isnan(signal.stop) else STOP_LIMIT
    elif not math.isnan(signal.stop):
        kind = STOP
    place = new_order(
        ledger, signal.strategy, signal.symbol, signal.side, kind, 0.0, now, signal.reason
    )
    order = ledger.orders[place]
    order.limit, order.stop = signal.limit, signal.stop
    order.stop_loss, order.take_profit, order.trailing_stop = (
        signal.stop_loss,
        signal.take_profit,
        signal.trailing_stop,
    )
    order.scanner, order.found = signal.scanner, signal.found
    size = signal["size"]  # uncompiled, a record's attribute `size` is NumPy's
    give_size(ledger, place, strategy.unit, size)
    submit(ledger, place, now)


@njit
def _rebalance(ledger, signals, first, last, now):
    for adding in (False, True):
        for i in range(first, last):
            signal = signals[i]
            if math.isnan(signal.weight):
                continue
            position, strategy = (
                ledger.positions[signal.strategy, signal.symbol],
                ledger.strategies[signal.strategy],
            )
            last_price, equity = ledger.quotes[signal.symbol].last, ledger.account[0].equity
            if position.entering > 0 or position.leaving > 0.0 or not last_price > 0.0:
                continue
            target = signal.weight * equity / last_price
            lots = round_lot(abs(target), ledger.rules[0].lot)
            change = add(math.copysign(lots, target), -position.quantity)
            grows = (
                abs(position.quantity + change) > abs(position.quantity)
                or position.quantity * change > 0.0
            )
            if grows != adding or change == 0.0:
                continue
            if lots > 0.0 and abs(change) * last_price < strategy.band * equity:
                continue
            if lots == 0.0:
                send_out(
                    ledger,
                    signal.strategy,
                    signal.symbol,
                    signal.reason if signal.reason else REBALANCE,
                    now,
                )
                continue
            place = new_order(
                ledger,
                signal.strategy,
                signal.symbol,
                1 if change > 0.0 else -1,
                MARKET,
                abs(change),
                now,
                signal.reason if signal.reason else REBALANCE,
            )
            order = ledger.orders[place]
            order.scanner, order.found = signal.scanner, signal.found
            submit(ledger, place, now)
