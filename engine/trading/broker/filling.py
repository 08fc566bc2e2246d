"""Fills: money moves, positions open and close, brackets are set."""

from __future__ import annotations

from engine.runtime.jit import njit
from engine.trading.broker.decimals import add, decimal, over, plus, times, to_units
from engine.trading.broker.money import affordable, commission_of, mark, slippage_of
from engine.trading.broker.placing import accept, end_order, keep_busy, new_order
from engine.trading.broker.prices import put_on_grid
from engine.trading.broker.records import (
    ALIVE,
    CANCELLED,
    FILLED,
    FILLS,
    HELD,
    LIMIT,
    MARKET,
    NO_REASON,
    NOT_ENOUGH_CASH,
    OPEN,
    POSITION_CLOSED,
    REJECTED,
    STOP,
    STOP_LIMIT,
    STOP_LOSS,
    TAKE_PROFIT,
    TRADES,
    TRAILING,
    TRAILING_STOP,
)


@njit
def execute(ledger, place, price, how, time, high, low):
    """Fill an order at a price, as far as the bar's volume and the account allow.

    place      index of the order in `ledger.orders`
    how        AT_OPEN, BY_LIMIT, BY_STOP or SETTLED
    time       the bar's start, microseconds UTC
    high, low  the bar's range

    The part that reduces a position is filled first, and is never limited by money.
    """
    order, rules = ledger.orders[place], ledger.rules[0]
    position, quote = ledger.positions[order.strategy, order.symbol], ledger.quotes[order.symbol]
    allowed = order.left if rules.participation <= 0.0 else min(order.left, quote.budget)
    held = abs(position.quantity) if position.quantity * order.side < 0.0 else 0.0
    reducing = min(allowed, held)
    if reducing > 0.0:
        _fill(ledger, place, reducing, price, how, time, high, low)
    opening = min(add(allowed, -reducing), order.left)
    if order.reduce or opening <= rules.dust:
        _finish(ledger, place, time)
        return
    slip = 0.0 if _is_passive(order) else slippage_of(rules, 1.0, price, high, low)[0]
    can = affordable(ledger, order.reserved, 0.0, price, slip)
    short_of_cash = can < opening - rules.dust
    opening = min(opening, can)
    if opening > rules.dust:
        _fill(ledger, place, opening, price, how, time, high, low)
        _set_bracket(ledger, place, opening, price, how, time)
    if short_of_cash and order.left > rules.dust:
        end_order(ledger, place, CANCELLED if order.paid > 0.0 else REJECTED, NOT_ENOUGH_CASH, time)
    else:
        _finish(ledger, place, time)


@njit
def _is_passive(order):
    """Whether an order is a limit order, which has no slippage."""
    return order.kind in (LIMIT, STOP_LIMIT)


@njit
def _finish(ledger, place, time):
    order = ledger.orders[place]
    if order.status != OPEN:
        return
    if order.left <= ledger.rules[0].dust:
        end_order(ledger, place, FILLED, NO_REASON, time)
    elif order.reduce and ledger.positions[order.strategy, order.symbol].quantity == 0.0:
        end_order(ledger, place, CANCELLED, POSITION_CLOSED, time)


@njit
def _fill(ledger, place, quantity, price, how, time, high, low):
    """One fill within one position: either all reducing or all adding."""
    order, rules, account = ledger.orders[place], ledger.rules[0], ledger.account[0]
    quote, position = ledger.quotes[order.symbol], ledger.positions[order.strategy, order.symbol]
    mark(ledger, order.symbol, price)
    scale, reduces = rules.scale, position.quantity * order.side < 0.0
    notional = times(decimal(quantity), decimal(price))
    charged = commission_of(rules, order, quantity, notional)
    slipped = (
        0 if _is_passive(order) else to_units(scale, slippage_of(rules, quantity, price, high, low))
    )
    order.commission = add(order.commission, charged / scale)
    order.filled = add(order.filled, quantity)
    order.paid, order.paid_rest = plus((order.paid, order.paid_rest), notional)
    order.average = over((order.paid, order.paid_rest), decimal(order.filled))[0]
    moved = -order.side * to_units(scale, notional) - charged - slipped
    account.cash += moved
    if position.quantity == 0.0:
        _begin(ledger, position, order, price, how, time)
    position.flow += moved
    position.commission += charged
    position.slippage += slipped
    _release(ledger, order, position, quantity, reduces)
    order.left = add(order.left, -quantity)
    if rules.participation > 0.0:
        quote.budget = add(quote.budget, -quantity)
    _log_fill(ledger, order, quantity, price, charged / scale, slipped / scale, moved, time)
    if reduces:
        _reduce(ledger, position, order, quantity, price, notional, time)
    else:
        _add(ledger, position, order, quantity, price, notional)
    account.equity = account.cash / scale + account.value


@njit
def _release(ledger, order, position, quantity, reduces):
    """Lower the order's reservation, and what its exit promises to free, by a filled quantity."""
    account = ledger.account[0]
    reducing = min(quantity, order.reducing) if reduces else 0.0
    opening, left = quantity - reducing, order.left - order.reducing
    if reducing > 0.0:
        freed = order.frees * reducing / order.reducing
        account.freed -= freed
        order.frees -= freed
        order.reducing = add(order.reducing, -reducing)
        if order.kind == MARKET:
            position.leaving = add(position.leaving, -reducing)
    if left > 0.0:
        share = order.reserved * min(1.0, opening / left)
        account.reserved -= share
        order.reserved -= share


@njit
def _log_fill(ledger, order, quantity, price, charged, slipped, moved, time):
    fill = new_fill(
        ledger, order.strategy, order.symbol, order.side, quantity, price, order.reason, moved, time
    )
    fill.order, fill.commission, fill.slippage = order.id, charged, slipped


@njit
def new_fill(ledger, strategy, symbol, side, quantity, price, reason, moved, time):
    """A row of the fills without an order and without costs."""
    fill = ledger.fills[ledger.counts[FILLS]]
    ledger.counts[FILLS] += 1
    fill.time, fill.order, fill.strategy, fill.symbol, fill.side = time, -1, strategy, symbol, side
    fill.quantity, fill.price, fill.commission, fill.slippage = quantity, price, 0.0, 0.0
    fill.reason, fill.cash = reason, moved
    return fill


@njit
def _add(ledger, position, order, quantity, price, notional):
    account, strategy = ledger.account[0], ledger.strategies[order.strategy]
    held = abs(position.quantity)
    average = (position.average * held + price * quantity) / (held + quantity)
    position.average = average if held > 0.0 else price
    position.quantity = add(position.quantity, order.side * quantity)
    position.entered = add(position.entered, quantity)
    position.entry_paid, position.entry_rest = plus(
        (position.entry_paid, position.entry_rest), notional
    )
    account.value += order.side * quantity * price
    account.gross += quantity * price
    strategy.gross += quantity * price


@njit
def _begin(ledger, position, order, price, how, time):
    position.entered, position.entry_paid, position.entry_rest = 0.0, 0.0, 0.0
    position.exited, position.exit_paid, position.exit_rest = 0.0, 0.0, 0.0
    position.average, position.opened, position.opened_bar, position.born, position.side = (
        0.0,
        time,
        time,
        how,
        order.side,
    )
    position.bars, position.flow, position.commission, position.slippage = 0, 0, 0, 0
    position.dividends, position.interest, position.best, position.worst = 0, 0, price, price
    position.stop, position.target = order.stop_loss, order.take_profit
    position.reason, position.scanner, position.found = order.reason, order.scanner, order.found
    held = ledger.counts[HELD]
    ledger.held[held, 0], ledger.held[held, 1] = order.strategy, order.symbol
    ledger.counts[HELD] += 1
    ledger.account[0].open_positions += 1
    keep_busy(ledger, order.symbol, 1, time)
    ledger.strategies[order.strategy].open_positions += 1


@njit
def _reduce(ledger, position, order, quantity, price, notional, time):
    account, strategy = ledger.account[0], ledger.strategies[order.strategy]
    position.quantity = add(position.quantity, order.side * quantity)
    take_exit(position, quantity, notional)
    account.value += order.side * quantity * price
    account.gross -= quantity * price
    strategy.gross -= quantity * price
    see(position, price, price)
    if order.parent >= 0:
        _shrink_siblings(ledger, order, quantity, time)
    trim_exits(ledger, order.strategy, order.symbol)
    if abs(position.quantity) <= ledger.rules[0].dust:
        close_position(ledger, order.strategy, order.symbol, order.reason, time, order.id)


@njit
def take_exit(position, quantity, notional):
    """Add a reduction to the trade's exits.

    notional  the pair of quantity * price
    """
    position.exited = add(position.exited, quantity)
    position.exit_paid, position.exit_rest = plus(
        (position.exit_paid, position.exit_rest), notional
    )


@njit
def trim_exits(ledger, strategy, symbol):
    """Limit market exits on their way to what is left of the position.

    Their promised quantity and cash are cut, the last placed first. The orders' own quantities
    stay: what an order opens beyond the position does not count here.
    """
    position, account = ledger.positions[strategy, symbol], ledger.account[0]
    excess = add(position.leaving, -abs(position.quantity))
    if excess <= 0.0:
        return
    for i in range(ledger.counts[ALIVE] - 1, -1, -1):
        order = ledger.orders[ledger.alive[i]]
        mine = order.strategy == strategy and order.symbol == symbol and order.status == OPEN
        if mine and order.kind == MARKET and order.reducing > 0.0 and excess > 0.0:
            cut = min(excess, order.reducing)
            freed = order.frees * cut / order.reducing
            order.frees -= freed
            account.freed -= freed
            order.reducing = add(order.reducing, -cut)
            position.leaving = add(position.leaving, -cut)
            excess = add(excess, -cut)


@njit
def see(position, high, low):
    """Update the best and worst price of a position with a bar's range."""
    up, down = (high, low) if position.side > 0 else (low, high)
    if position.side * up > position.side * position.best:
        position.best = up
    if position.side * down < position.side * position.worst:
        position.worst = down


@njit
def _shrink_siblings(ledger, order, quantity, time):
    """Lower a bracket's other orders by the quantity that one of its orders sold."""
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        other = ledger.orders[place]
        if other.status == OPEN and other.parent == order.parent and other.id != order.id:
            other.left = add(other.left, -quantity)
            if other.left <= ledger.rules[0].dust:
                other.left = 0.0
                end_order(ledger, place, CANCELLED, order.reason, time)


@njit
def close_position(ledger, strategy, symbol, reason, time, by):
    """Log the trade of a position that is flat, and cancel its protecting orders.

    by  index of the order that closed the position
    """
    position = ledger.positions[strategy, symbol]
    position.quantity = 0.0
    exit_price = over((position.exit_paid, position.exit_rest), decimal(position.exited))[0]
    log_trade(
        ledger, strategy, symbol, reason, time, exit_price, position.flow / ledger.rules[0].scale
    )
    kept = 0
    for place in range(ledger.counts[HELD]):
        if ledger.held[place, 0] != strategy or ledger.held[place, 1] != symbol:
            ledger.held[kept, 0], ledger.held[kept, 1] = (
                ledger.held[place, 0],
                ledger.held[place, 1],
            )
            kept += 1
    ledger.counts[HELD] = kept
    ledger.account[0].open_positions -= 1
    ledger.strategies[strategy].open_positions -= 1
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        order = ledger.orders[place]
        mine = order.strategy == strategy and order.symbol == symbol and order.status == OPEN
        if mine and order.reduce and order.id != by:
            protected = order.parent >= 0 and reason != NO_REASON
            end_order(ledger, place, CANCELLED, reason if protected else POSITION_CLOSED, time)
    trim_exits(ledger, strategy, symbol)
    keep_busy(ledger, symbol, -1, time)


@njit
def log_trade(ledger, strategy, symbol, reason, time, exit_price, pnl):
    """Write a row of a position's trade.

    A trade that is still open gets the latest price and the profit so far.
    """
    position, trade = ledger.positions[strategy, symbol], ledger.trades[ledger.counts[TRADES]]
    ledger.counts[TRADES] += 1
    scale = ledger.rules[0].scale
    entry = over((position.entry_paid, position.entry_rest), decimal(position.entered))[0]
    trade.strategy, trade.symbol, trade.side, trade.quantity = (
        strategy,
        symbol,
        position.side,
        position.entered,
    )
    trade.entry_time, trade.exit_time, trade.entry_price, trade.exit_price = (
        position.opened,
        time,
        entry,
        exit_price,
    )
    trade.pnl, trade.commission, trade.slippage = (
        pnl,
        position.commission / scale,
        position.slippage / scale,
    )
    trade.dividends, trade.interest = position.dividends / scale, position.interest / scale
    trade.mae = min(0.0, position.side * (position.worst / entry - 1.0))
    trade.mfe = max(0.0, position.side * (position.best / entry - 1.0))
    trade.bars, trade.stop, trade.target = position.bars, position.stop, position.target
    trade.entry_reason, trade.exit_reason = position.reason, reason
    trade.scanner, trade.found = position.scanner, position.found


@njit
def _set_bracket(ledger, place, quantity, price, how, time):
    """Place the orders that protect a new entry.

    Later fills of the same entry enlarge them.
    """
    order = ledger.orders[place]
    if order.stop_loss > 0.0:
        _protect(ledger, place, STOP, STOP_LOSS, quantity, price, how, time)
    if order.trailing_stop > 0.0:
        _protect(ledger, place, TRAILING, TRAILING_STOP, quantity, price, how, time)
    if order.take_profit > 0.0:
        _protect(ledger, place, LIMIT, TAKE_PROFIT, quantity, price, how, time)


@njit
def _protect(ledger, parent_place, kind, reason, quantity, price, how, time):
    parent = ledger.orders[parent_place]
    for i in range(ledger.counts[ALIVE]):
        order = ledger.orders[ledger.alive[i]]
        if order.status == OPEN and order.parent == parent.id and order.kind == kind:
            order.quantity = add(order.quantity, quantity)
            order.left = add(order.left, quantity)
            return
    place = new_order(
        ledger, parent.strategy, parent.symbol, -parent.side, kind, quantity, time, reason
    )
    order = ledger.orders[place]
    order.parent, order.day, order.reduce = parent.id, False, True
    order.born, order.born_at, order.born_price = how, time, price
    order.scanner, order.found = parent.scanner, parent.found
    if kind == STOP:
        order.stop = parent.stop_loss
    elif kind == LIMIT:
        order.limit = parent.take_profit
    else:
        order.trail = parent.trailing_stop
        order.stop = add(price, -parent.side * parent.trailing_stop)
    put_on_grid(order, ledger.rules[0].tick)
    accept(ledger, place)
