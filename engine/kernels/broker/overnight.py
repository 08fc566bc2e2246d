"""What happens to positions and resting orders between two sessions."""

from __future__ import annotations

import math

from engine.kernels.broker.filling import close_position, log_trade, new_fill
from engine.kernels.broker.money import mark, revalue, round_lot, to_units
from engine.kernels.broker.placing import cancel_entries, compact, end_order
from engine.kernels.broker.records import (
    ALIVE,
    CANCELLED,
    DELISTED,
    FILLS,
    HELD,
    LIMIT,
    NO_REASON,
    OPEN,
    ORDERS,
    SPLIT,
    STOP,
    STOP_LIMIT,
    TRADES,
    TRAILING,
)  # fmt: skip
from engine.runtime.jit import njit


@njit
def begin_session(books, number, days):
    """Interest for the days since the session before, a fresh day for the loss limit; `days` is 0 at the run's first."""
    account, rules = books.account[0], books.rules[0]
    account.session, account.blocked = number, False
    if days > 0:
        for i in range(books.counts[HELD]):
            strategy, symbol = books.held[i, 0], books.held[i, 1]
            quantity, last = books.positions[strategy, symbol].quantity, books.quotes[symbol].last
            if quantity < 0.0 and rules.borrow_rate > 0.0:
                _charge(books, strategy, symbol, -quantity * last * rules.borrow_rate / 100.0 * days / 365.0)
        if account.cash < 0 and rules.margin_rate > 0.0:
            _charge_margin(books, -account.cash / rules.scale * rules.margin_rate / 100.0 * days / 365.0)
    revalue(books)
    account.session_start = account.equity


@njit
def _charge(books, strategy, symbol, amount):
    account, position = books.account[0], books.positions[strategy, symbol]
    units = to_units(books.rules[0].scale, amount)
    account.cash -= units
    position.flow -= units
    position.interest += units / books.rules[0].scale


@njit
def _charge_margin(books, amount):
    """Interest on borrowed cash, shared out over the positions by their value; the last takes what rounding leaves."""
    account, scale, held = books.account[0], books.rules[0].scale, books.counts[HELD]
    total, left = to_units(scale, amount), to_units(scale, amount)
    for i in range(held):
        strategy, symbol = books.held[i, 0], books.held[i, 1]
        value = abs(books.positions[strategy, symbol].quantity) * books.quotes[symbol].last
        part = left if i == held - 1 else min(left, to_units(1.0, total * value / account.gross))
        left -= part
        _charge(books, strategy, symbol, part / scale)


@njit
def split(books, symbol, ratio, now):
    """New shares for old: quantities up, prices down; a fraction that cannot be held is paid out at the last price."""
    quote = books.quotes[symbol]
    quote.last /= ratio
    for strategy in range(len(books.strategies)):
        position = books.positions[strategy, symbol]
        if position.quantity != 0.0:
            _split_position(books, strategy, symbol, ratio, now)
    for i in range(books.counts[ALIVE]):
        place = books.alive[i]
        order = books.orders[place]
        if order.symbol != symbol or order.status != OPEN:
            continue
        _split_order(books, order, ratio)
        if order.left <= 0.0:
            end_order(books, place, CANCELLED, SPLIT, now)
    compact(books)
    revalue(books)


@njit
def _split_position(books, strategy, symbol, ratio, now):
    position, account, rules = books.positions[strategy, symbol], books.account[0], books.rules[0]
    for_old = position.quantity * ratio
    kept = math.copysign(round_lot(abs(for_old), rules.lot), for_old)
    paid_out = to_units(rules.scale, (for_old - kept) * books.quotes[symbol].last)
    account.cash += paid_out
    position.flow += paid_out
    position.exited = position.exited * ratio + abs(for_old - kept)
    position.exit_paid += abs(for_old - kept) * books.quotes[symbol].last
    position.quantity = kept
    position.entered *= ratio
    position.average /= ratio
    position.best /= ratio
    position.worst /= ratio
    position.stop /= ratio
    position.target /= ratio
    if kept == 0.0:
        close_position(books, strategy, symbol, SPLIT, now)


@njit
def _split_order(books, order, ratio):
    lot = books.rules[0].lot
    order.filled *= ratio
    order.left = round_lot(order.left * ratio, lot)
    if order.reduce:  # no more than is held, which may have lost a fraction
        order.left = min(order.left, abs(books.positions[order.strategy, order.symbol].quantity))
    order.quantity = order.filled + order.left
    order.limit /= ratio
    order.stop /= ratio
    order.trail /= ratio
    order.stop_loss /= ratio
    order.take_profit /= ratio
    order.trailing_stop /= ratio
    order.born_price /= ratio


@njit
def dividend(books, symbol, amount):
    """Cash per share: longs are paid, shorts pay; buy limits and sell stops that rest come down by it, as on exchanges."""
    account, scale = books.account[0], books.rules[0].scale
    for strategy in range(len(books.strategies)):
        position = books.positions[strategy, symbol]
        if position.quantity != 0.0:
            units = to_units(scale, position.quantity * amount)
            account.cash += units
            position.flow += units
            position.dividends += units / scale
    for i in range(books.counts[ALIVE]):
        order = books.orders[books.alive[i]]
        if order.symbol == symbol and order.status == OPEN:
            if order.side > 0 and order.kind == LIMIT:
                order.limit = max(order.limit - amount, 0.01 * order.limit)
            elif order.side < 0 and order.kind in (STOP, STOP_LIMIT, TRAILING):
                order.stop = max(order.stop - amount, 0.01 * order.stop)
                order.limit = max(order.limit - amount, 0.01 * order.limit)
    revalue(books)


@njit
def count_silence(books):
    """After a session: symbols without a bar have been silent for one more."""
    session = books.account[0].session
    for symbol in range(len(books.quotes)):
        quote = books.quotes[symbol]
        quote.silent = 0 if quote.seen == session else quote.silent + 1


@njit
def write_off(books, now):
    """Positions in symbols that have been silent for too long end at the last price, or a part of it."""
    rules, account = books.rules[0], books.account[0]
    i = 0
    while i < books.counts[HELD]:
        strategy, symbol = books.held[i, 0], books.held[i, 1]
        quote, position = books.quotes[symbol], books.positions[strategy, symbol]
        if quote.silent < rules.delist_after:
            i += 1
            continue
        cancel_entries(books, strategy, symbol, DELISTED, now)
        mark(books, symbol, quote.last * rules.delisting_value)
        units = to_units(rules.scale, position.quantity * quote.last)
        account.cash += units
        position.flow += units
        quantity = abs(position.quantity)
        position.exited += quantity
        position.exit_paid += quantity * quote.last
        side = -1 if position.quantity > 0.0 else 1
        new_fill(books, strategy, symbol, side, quantity, quote.last, DELISTED, units, now)
        close_position(books, strategy, symbol, DELISTED, now)
    compact(books)
    revalue(books)


@njit
def log_open_trades(books, now):
    """At the run's end: a row for each position that is still open, at its last price."""
    for i in range(books.counts[HELD]):
        strategy, symbol = books.held[i, 0], books.held[i, 1]
        position, last = books.positions[strategy, symbol], books.quotes[symbol].last
        worth = position.flow / books.rules[0].scale + position.quantity * last
        paid = position.exit_paid + abs(position.quantity) * last
        log_trade(books, strategy, symbol, NO_REASON, now, paid / (position.exited + abs(position.quantity)), worth)


@njit
def carry_over(books):
    """Forget the orders that are over, once their rows have been taken; open ones move to the front."""
    for i in range(books.counts[ALIVE]):
        place = books.alive[i]
        if place != i:
            books.orders[i] = books.orders[place]
            books.alive[i] = i
    books.counts[ORDERS] = books.counts[ALIVE]
    books.counts[FILLS], books.counts[TRADES] = 0, 0
