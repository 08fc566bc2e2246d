"""New orders: checked against the account, cut to what it can take, or refused."""

from __future__ import annotations

import math

from engine.runtime.jit import njit
from engine.trading.broker.decimals import add
from engine.trading.broker.money import affordable, lots_for, round_lot, wanted
from engine.trading.broker.prices import put_on_grid
from engine.trading.broker.records import (
    ALIVE,
    CANCELLED,
    ENTRIES_BLOCKED,
    LIMIT,
    LOCKS,
    MARKET,
    MAX_OPEN_POSITIONS,
    NO_POSITION,
    NO_PRICE,
    NO_REASON,
    NO_SHORTING,
    NO_SIZE,
    NO_STOP_LOSS,
    NOT_A_PRICE,
    NOT_ENOUGH_CASH,
    OPEN,
    ORDERS,
    POSITION_LIMIT,
    REJECTED,
    SETTLED,
    STOP,
    STOP_LIMIT,
    STOP_LOSS_ON_WRONG_SIDE,
    STRATEGY_LIMIT,
    TAKE_PROFIT_ON_WRONG_SIDE,
    TRAILING,
)


@njit
def new_order(ledger, strategy, symbol, side, kind, quantity, now, reason):
    """Add an order with every field set; returns its index in `ledger.orders`.

    The caller adds prices, then calls `accept` or `refuse`.
    """
    place = ledger.counts[ORDERS]
    ledger.counts[ORDERS] += 1
    account = ledger.account[0]
    order = ledger.orders[place]
    order.id, order.parent = account.next_id, -1
    account.next_id += 1
    order.strategy, order.symbol, order.side, order.kind, order.status = (
        strategy,
        symbol,
        side,
        kind,
        OPEN,
    )
    order.day, order.reduce, order.triggered = True, False, False
    order.born, order.born_at, order.born_price = SETTLED, -1, math.nan
    order.reason, order.ended_by, order.placed, order.ended = reason, NO_REASON, now, -1
    order.quantity, order.left, order.filled, order.reducing = quantity, quantity, 0.0, 0.0
    order.paid, order.paid_rest, order.average = 0.0, 0.0, math.nan
    order.fees, order.fees_rest, order.commission = 0.0, 0.0, 0.0
    order.limit, order.stop, order.trail = math.nan, math.nan, math.nan
    order.stop_loss, order.take_profit, order.trailing_stop = math.nan, math.nan, math.nan
    order.reserved, order.frees, order.scanner, order.found = 0.0, 0.0, -1, -1
    return place


@njit
def keep_busy(ledger, symbol, change, now):
    """Change a symbol's count of open positions and orders by `change`.

    The symbol locks when the count becomes positive, and unlocks at 0.
    """
    quote = ledger.quotes[symbol]
    quote.busy += change
    if quote.busy == 0 or (change > 0 and quote.busy == 1):
        lock = ledger.locks[ledger.counts[LOCKS]]
        ledger.counts[LOCKS] += 1
        lock.time, lock.symbol, lock.locked = now, symbol, change > 0


@njit
def accept(ledger, place):
    """Append an order to the open ones."""
    keep_busy(ledger, ledger.orders[place].symbol, 1, ledger.orders[place].placed)
    ledger.alive[ledger.counts[ALIVE]] = place
    ledger.counts[ALIVE] += 1
    order, account = ledger.orders[place], ledger.account[0]
    position = ledger.positions[order.strategy, order.symbol]
    account.reserved += order.reserved
    account.freed += order.frees
    if order.kind == MARKET:
        position.leaving = add(position.leaving, order.reducing)
    if not order.reduce:
        position.entering += 1
        position.entering_side = order.side


@njit
def end_order(ledger, place, status, reason, now):
    """End an order; `compact` later takes it off the list of open orders."""
    order, account = ledger.orders[place], ledger.account[0]
    position = ledger.positions[order.strategy, order.symbol]
    account.reserved -= order.reserved
    account.freed -= order.frees
    if not order.reduce:
        position.entering -= 1
    if order.kind == MARKET:
        position.leaving = add(position.leaving, -order.reducing)
    order.reserved, order.frees, order.reducing = 0.0, 0.0, 0.0
    order.status, order.ended_by, order.ended = status, reason, now
    if position.entering > 0:
        position.entering_side = _side_of_entries(ledger, order.strategy, order.symbol)
    keep_busy(ledger, order.symbol, -1, now)


@njit
def _side_of_entries(ledger, strategy, symbol):
    """The side of the last placed of the open orders that would open or add; 0 without one."""
    side = 0
    for i in range(ledger.counts[ALIVE]):
        order = ledger.orders[ledger.alive[i]]
        mine = order.strategy == strategy and order.symbol == symbol
        if mine and order.status == OPEN and not order.reduce:
            side = order.side
    return side


@njit
def refuse(ledger, place, reason, now):
    """An order that never was open; of one entry only a session's first refusal for a reason is
    kept.
    """
    order = ledger.orders[place]
    position = ledger.positions[order.strategy, order.symbol]
    session = ledger.account[0].session
    told = position.refused_reasons if position.refused_session == session else 0
    position.refused_session, position.refused_by = session, reason
    position.refused_reasons = told | (1 << reason)
    if told == position.refused_reasons:
        ledger.counts[ORDERS] -= 1
        ledger.account[0].next_id -= 1
        return
    order.status, order.ended_by, order.ended = REJECTED, reason, now


@njit
def compact(ledger):
    """Take ended orders off the list of open orders."""
    kept = 0
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        if ledger.orders[place].status == OPEN:
            ledger.alive[kept] = place
            kept += 1
    ledger.counts[ALIVE] = kept


@njit
def cancel_entries(ledger, strategy, symbol, reason, now):
    """Cancel open orders that would open or enlarge a position."""
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        order = ledger.orders[place]
        if (
            order.status == OPEN
            and order.strategy == strategy
            and order.symbol == symbol
            and not order.reduce
        ):
            end_order(ledger, place, CANCELLED, reason, now)


@njit
def _prices_are_sound(order):
    if order.kind in (LIMIT, STOP_LIMIT) and not _is_price(order.limit):
        return False
    if order.kind in (STOP, STOP_LIMIT, TRAILING) and not _is_price(order.stop):
        return False
    return order.kind != TRAILING or _is_price(order.trail)


@njit
def _is_price(value):
    return 0.0 < value < math.inf


@njit
def _fault_of_bracket(order, price):
    """Why the orders that protect an entry at `price` are unsound; 0 where they are sound.

    A price has no value, or would close the position at once.
    """
    if not (math.isnan(order.stop_loss) or _is_price(order.stop_loss)):
        return NO_STOP_LOSS
    if not (math.isnan(order.trailing_stop) or _is_price(order.trailing_stop)):
        return NO_STOP_LOSS
    if not (math.isnan(order.take_profit) or _is_price(order.take_profit)):
        return NOT_A_PRICE
    if order.side * order.stop_loss > order.side * price:
        return STOP_LOSS_ON_WRONG_SIDE
    if order.side * order.take_profit < order.side * price:
        return TAKE_PROFIT_ON_WRONG_SIDE
    return NO_REASON


@njit
def reference(ledger, order):
    """The price at which an order is valued until it is filled."""
    if order.limit > 0.0:
        return order.limit
    if order.stop > 0.0 and order.kind != TRAILING:
        return order.stop
    return ledger.quotes[order.symbol].last


@njit
def give_size(ledger, place, unit, size):
    """Put an order's prices on the grid, and set its quantity from a size in a unit."""
    order = ledger.orders[place]
    put_on_grid(order, ledger.rules[0].tick)
    order.quantity = order.left = wanted(
        ledger, unit, size, reference(ledger, order), order.stop_loss
    )


@njit
def submit(ledger, place, now):
    """Check an order, cut it to what the account can take, and accept or refuse it.

    Returns whether it was accepted. The part that only reduces a position is never refused. What
    market exits on their way take out of the position counts as gone: an order beyond the rest
    opens a position on the other side.
    """
    order, rules, account = ledger.orders[place], ledger.rules[0], ledger.account[0]
    strategy = ledger.strategies[order.strategy]
    position = ledger.positions[order.strategy, order.symbol]
    price = reference(ledger, order)
    if not order.quantity > 0.0:
        order.quantity = order.left = 0.0  # it may be NaN
    against = staying(ledger, position) if position.quantity * order.side < 0.0 else 0.0
    if order.reduce and against == 0.0:
        refuse(ledger, place, NO_POSITION, now)
        return False
    if not _prices_are_sound(order):
        refuse(ledger, place, NOT_A_PRICE, now)
        return False
    if not price > 0.0:
        refuse(ledger, place, NO_PRICE, now)
        return False
    if order.quantity == 0.0:
        refuse(ledger, place, NO_SIZE, now)
        return False
    asked = round_lot(order.quantity, rules.lot)
    reducing = min(asked, against)
    opening = 0.0 if order.reduce else add(asked, -reducing)
    order.quantity = order.left = add(reducing, opening)
    order.frees = reducing * price if order.kind == MARKET else 0.0
    cause = NO_SIZE
    if opening > 0.0:
        opening, cause = _allowed(ledger, order, position, strategy, opening, price)
    if opening + reducing <= 0.0:
        refuse(ledger, place, cause, now)
        return False
    order.quantity = order.left = add(reducing, opening)
    order.reserved, order.reducing, order.reduce = opening * price, reducing, opening <= 0.0
    accept(ledger, place)
    if opening > 0.0:
        position.entered_session = account.session
    return True


@njit
def _allowed(ledger, order, position, strategy, opening, price):
    """The quantity that an order may open, and the reason where that is 0."""
    cause = _fault_of_bracket(order, price)
    if cause == NO_REASON:
        cause = _barred(ledger, order, position)
    if cause != NO_REASON:
        return 0.0, cause
    return _cut(ledger, order, position, strategy, opening, price)


@njit
def _barred(ledger, order, position):
    """The reason why nothing may be opened whatever the size; 0 for none."""
    account, rules, strategy = ledger.account[0], ledger.rules[0], ledger.strategies[order.strategy]
    if account.blocked:
        return ENTRIES_BLOCKED
    if order.side < 0 and not rules.shorting:
        return NO_SHORTING
    limited = rules.max_positions > 0 or strategy.max_positions > 0
    if limited and position.entering == 0 and staying(ledger, position) == 0.0:
        everyone, own = _positions_to_be(ledger, order.strategy)
        if rules.max_positions > 0 and everyone >= rules.max_positions:
            return MAX_OPEN_POSITIONS
        if strategy.max_positions > 0 and own >= strategy.max_positions:
            return STRATEGY_LIMIT
    return NO_REASON


@njit
def staying(ledger, position):
    """The quantity of a position that market exits on their way leave, without sign."""
    left = add(abs(position.quantity), -position.leaving)
    return left if left > ledger.rules[0].dust else 0.0


@njit
def _positions_to_be(ledger, strategy):
    """Number of positions once open orders are filled: of all strategies, of one."""
    account = ledger.account[0]
    everyone, own = account.open_positions, ledger.strategies[strategy].open_positions
    account.counting += 1  # each position is counted once, however many orders it has
    for i in range(ledger.counts[ALIVE]):
        order = ledger.orders[ledger.alive[i]]
        position = ledger.positions[order.strategy, order.symbol]
        if order.status != OPEN or position.counted == account.counting:
            continue
        position.counted = account.counting
        stays = position.entering > 0 or staying(ledger, position) > 0.0
        change = int(stays) - int(position.quantity != 0.0)
        everyone += change
        own += change if order.strategy == strategy else 0
    return everyone, own


@njit
def _exposure_of(ledger, order, position):
    """All strategies' positions and orders in an order's symbol.

    Without what the order itself reduces, and without exits on their way out of its position.
    """
    last, total = ledger.quotes[order.symbol].last, 0.0
    for strategy in range(len(ledger.strategies)):
        total += abs(ledger.positions[strategy, order.symbol].quantity) * last
    total -= (
        abs(position.quantity) if position.quantity * order.side < 0.0 else position.leaving
    ) * last
    for i in range(ledger.counts[ALIVE]):
        other = ledger.orders[ledger.alive[i]]
        if other.status == OPEN and other.symbol == order.symbol:
            total += other.reserved
    return total


@njit
def _cut(ledger, order, position, strategy, opening, price):
    """The quantity to open after all limits, and the reason where it is 0."""
    rules, account = ledger.rules[0], ledger.account[0]
    if rules.max_position > 0.0:
        there = _exposure_of(ledger, order, position)
        most = rules.max_position * account.equity
        opening = min(opening, lots_for(ledger, most - there, most, price))
        if opening <= 0.0:
            return 0.0, POSITION_LIMIT
    if strategy.allocation > 0.0:
        pending = 0.0
        for i in range(ledger.counts[ALIVE]):
            other = ledger.orders[ledger.alive[i]]
            if other.status == OPEN and other.strategy == order.strategy:
                pending += other.reserved - other.frees
        most = strategy.allocation * account.equity
        opening = min(
            opening, lots_for(ledger, most - strategy.gross - pending + order.frees, most, price)
        )
        if opening <= 0.0:
            return 0.0, STRATEGY_LIMIT
    opening = min(opening, affordable(ledger, 0.0, account.freed + order.frees, price, 0.0))
    if opening <= 0.0:
        return 0.0, NOT_ENOUGH_CASH
    return opening, NO_REASON
