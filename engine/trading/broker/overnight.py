"""What happens to positions and resting orders between two sessions."""

from __future__ import annotations

import math

from engine.runtime.jit import njit
from engine.trading.broker.decimals import add, decimal, multiply, over, plus, times, to_units
from engine.trading.broker.filling import (
    close_position,
    log_trade,
    new_fill,
    see,
    take_exit,
    trim_exits,
)
from engine.trading.broker.money import mark, revalue, round_lot
from engine.trading.broker.placing import cancel_entries, compact, end_order
from engine.trading.broker.prices import put_on_grid
from engine.trading.broker.records import (
    ALIVE,
    CANCELLED,
    DELISTED,
    FILLS,
    HELD,
    LIMIT,
    MARKET,
    NO_REASON,
    OPEN,
    ORDERS,
    SPLIT,
    STOP,
    STOP_LIMIT,
    TRADES,
    TRAILING,
)


@njit
def begin_session(ledger, number, days):
    """Charge interest and start a new day for the loss limit.

    days  calendar days since the session before; 0 at the run's first session
    """
    account, rules = ledger.account[0], ledger.rules[0]
    account.session, account.blocked = number, False
    if days > 0:
        for i in range(ledger.counts[HELD]):
            strategy, symbol = ledger.held[i, 0], ledger.held[i, 1]
            quantity, last = ledger.positions[strategy, symbol].quantity, ledger.quotes[symbol].last
            if quantity < 0.0 and rules.borrow_rate > 0.0:
                value = times(decimal(-quantity), decimal(last))
                _charge(
                    ledger,
                    strategy,
                    symbol,
                    to_units(rules.scale, _interest(value, rules.borrow_rate, days)),
                )
        if account.cash < 0 and rules.margin_rate > 0.0:
            borrowed = (float(-account.cash), 0.0)  # in money units, like the interest
            _charge_margin(ledger, to_units(1.0, _interest(borrowed, rules.margin_rate, days)))
    revalue(ledger)
    account.session_start = account.equity


@njit
def _interest(amount, rate, days):
    """The interest on `amount` (a pair) for `days` days, a pair.

    rate  percent per year of 365 days
    """
    by_year = times(amount, times(decimal(rate), decimal(0.01)))
    return over(times(by_year, (float(days), 0.0)), (365.0, 0.0))


@njit
def _charge(ledger, strategy, symbol, units):
    account, position = ledger.account[0], ledger.positions[strategy, symbol]
    account.cash -= units
    position.flow -= units
    position.interest += units


@njit
def _charge_margin(ledger, total):
    """Split interest on borrowed cash, in money units, over the positions by value.

    The last position takes the rounding remainder. Without positions the account alone is charged.
    """
    account, held, left = ledger.account[0], ledger.counts[HELD], total
    if held == 0:
        account.cash -= total
        account.interest += total
    for i in range(held):
        strategy, symbol = ledger.held[i, 0], ledger.held[i, 1]
        value = abs(ledger.positions[strategy, symbol].quantity) * ledger.quotes[symbol].last
        part = (
            left
            if i == held - 1
            else min(left, to_units(1.0, (total * value / account.gross, 0.0)))
        )
        left -= part
        _charge(ledger, strategy, symbol, part)


@njit
def split(ledger, symbol, ratio, now):
    """Apply a split: quantities times `ratio`, prices divided by it.

    A fraction of a share that cannot be held is paid out at the last price.
    """
    quote = ledger.quotes[symbol]
    quote.last = _divided(quote.last, ratio)
    for strategy in range(len(ledger.strategies)):
        position = ledger.positions[strategy, symbol]
        if position.quantity != 0.0:
            _split_position(ledger, strategy, symbol, ratio, now)
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        order = ledger.orders[place]
        if order.symbol != symbol or order.status != OPEN:
            continue
        _split_order(ledger, order, ratio)
        if order.left <= 0.0:
            end_order(ledger, place, CANCELLED, SPLIT, now)
    for strategy in range(len(ledger.strategies)):
        _count_leaving(ledger, strategy, symbol)
    compact(ledger)
    revalue(ledger)


@njit
def _split_position(ledger, strategy, symbol, ratio, now):
    position, account, rules = (
        ledger.positions[strategy, symbol],
        ledger.account[0],
        ledger.rules[0],
    )
    for_old, last = multiply(abs(position.quantity), ratio), ledger.quotes[symbol].last
    kept = round_lot(for_old, rules.lot)
    fraction = max(0.0, add(for_old, -kept))
    position.exited = multiply(position.exited, ratio)
    position.quantity = math.copysign(kept, position.quantity)
    position.entered = multiply(position.entered, ratio)
    if fraction > 0.0:
        notional = times(decimal(fraction), decimal(last))
        paid_out = position.side * to_units(rules.scale, notional)
        account.cash += paid_out
        position.flow += paid_out
        take_exit(position, fraction, notional)
        new_fill(ledger, strategy, symbol, -position.side, fraction, last, SPLIT, paid_out, now)
    position.average /= ratio
    position.best /= ratio
    position.worst /= ratio
    position.stop /= ratio
    position.target /= ratio
    if kept == 0.0:
        close_position(ledger, strategy, symbol, SPLIT, now, -1)


@njit
def _split_order(ledger, order, ratio):
    lot = ledger.rules[0].lot
    order.filled = multiply(order.filled, ratio)
    order.left = round_lot(multiply(order.left, ratio), lot)
    order.reducing = min(order.left, round_lot(multiply(order.reducing, ratio), lot))
    if order.reduce:  # no more than is held, which may have lost a fraction
        order.left = min(order.left, abs(ledger.positions[order.strategy, order.symbol].quantity))
        order.reducing = order.left
    order.quantity = add(order.filled, order.left)
    order.limit = _divided(order.limit, ratio)
    order.stop = _divided(order.stop, ratio)
    order.trail = _divided(order.trail, ratio)
    order.stop_loss = _divided(order.stop_loss, ratio)
    order.take_profit = _divided(order.take_profit, ratio)
    order.trailing_stop = _divided(order.trailing_stop, ratio)
    order.born_price /= ratio
    order.average /= ratio
    put_on_grid(order, ledger.rules[0].tick)


@njit
def _divided(price, ratio):
    return over(decimal(price), decimal(ratio))[0]


@njit
def _count_leaving(ledger, strategy, symbol):
    """Count anew what market exits take out of a position, after a split."""
    position = ledger.positions[strategy, symbol]
    position.leaving = 0.0
    for i in range(ledger.counts[ALIVE]):
        order = ledger.orders[ledger.alive[i]]
        mine = order.strategy == strategy and order.symbol == symbol and order.status == OPEN
        if mine and order.kind == MARKET:
            position.leaving = add(position.leaving, order.reducing)
    trim_exits(ledger, strategy, symbol)


@njit
def dividend(ledger, symbol, amount):
    """Pay `amount` per share to long positions, charge it to short ones.

    Resting buy limits and sell stops are lowered by it, as on exchanges.
    """
    account, scale = ledger.account[0], ledger.rules[0].scale
    for strategy in range(len(ledger.strategies)):
        position = ledger.positions[strategy, symbol]
        if position.quantity != 0.0:
            units = to_units(scale, times(decimal(position.quantity), decimal(amount)))
            account.cash += units
            position.flow += units
            position.dividends += units
    for i in range(ledger.counts[ALIVE]):
        order = ledger.orders[ledger.alive[i]]
        if order.symbol == symbol and order.status == OPEN:
            if order.side > 0 and order.kind == LIMIT:
                order.limit = _without(order.limit, amount)
            elif order.side < 0 and order.kind in (STOP, STOP_LIMIT, TRAILING):
                order.stop, order.limit = (
                    _without(order.stop, amount),
                    _without(order.limit, amount),
                )
            put_on_grid(order, ledger.rules[0].tick)
    revalue(ledger)


@njit
def _without(price, amount):
    """A price less a dividend, but at least a hundredth of the price."""
    return max(add(price, -amount), multiply(0.01, price))


@njit
def count_silence(ledger):
    """At a session's end: count one more session without bars for symbols without any."""
    session = ledger.account[0].session
    for symbol in range(len(ledger.quotes)):
        quote = ledger.quotes[symbol]
        quote.silent = 0 if quote.seen == session else quote.silent + 1


@njit
def write_off(ledger, now):
    """Close positions in symbols silent for too long, at (a part of) the last price."""
    rules, account = ledger.rules[0], ledger.account[0]
    i = 0
    while i < ledger.counts[HELD]:
        strategy, symbol = ledger.held[i, 0], ledger.held[i, 1]
        quote, position = ledger.quotes[symbol], ledger.positions[strategy, symbol]
        if quote.silent < rules.delist_after:
            i += 1
            continue
        cancel_entries(ledger, strategy, symbol, DELISTED, now)
        mark(ledger, symbol, multiply(quote.last, rules.delisting_value))
        see(position, quote.last, quote.last)
        quantity = abs(position.quantity)
        notional = times(decimal(quantity), decimal(quote.last))
        units = position.side * to_units(rules.scale, notional)
        account.cash += units
        position.flow += units
        take_exit(position, quantity, notional)
        new_fill(
            ledger, strategy, symbol, -position.side, quantity, quote.last, DELISTED, units, now
        )
        close_position(ledger, strategy, symbol, DELISTED, now, -1)
    compact(ledger)
    revalue(ledger)


@njit
def log_open_trades(ledger, now):
    """At the run's end: write a trade row for each open position, at its last price."""
    for i in range(ledger.counts[HELD]):
        strategy, symbol = ledger.held[i, 0], ledger.held[i, 1]
        position, last = ledger.positions[strategy, symbol], ledger.quotes[symbol].last
        worth = position.flow / ledger.rules[0].scale + position.quantity * last
        held = abs(position.quantity)
        paid = plus((position.exit_paid, position.exit_rest), times(decimal(held), decimal(last)))
        log_trade(
            ledger,
            strategy,
            symbol,
            NO_REASON,
            now,
            over(paid, decimal(add(position.exited, held)))[0],
            worth,
        )


@njit
def carry_over(ledger):
    """Drop ended orders, whose rows have been taken; move open orders to the front."""
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        if place != i:
            ledger.orders[i] = ledger.orders[place]
            ledger.alive[i] = i
    ledger.counts[ORDERS] = ledger.counts[ALIVE]
    ledger.counts[FILLS], ledger.counts[TRADES] = 0, 0
