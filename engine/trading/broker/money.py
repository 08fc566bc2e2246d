"""Costs, valuation, and what the account can afford."""

from __future__ import annotations

import math

from engine.runtime.jit import njit
from engine.trading.broker.decimals import (
    STEP_ERROR,
    add,
    decimal,
    minus,
    plus,
    times,
    to_grid,
    to_units,
)
from engine.trading.broker.records import CASH, HELD, PERCENT, RISK, SHARES


@njit
def round_lot(quantity, lot):
    """The quantity rounded down to a multiple of `lot`; unchanged with lot 0."""
    if lot <= 0.0:
        return quantity
    return to_grid(quantity, lot, False)


@njit
def commission_of(rules, order, quantity, notional):
    """The commission that a fill adds to its order, in money units.

    notional  the pair of quantity * price

    The minimum applies to the whole order. Each fill is charged what is not charged yet.
    """
    if order.filled == 0.0:
        order.fees, order.fees_rest = decimal(rules.per_order)
    by_share = times(decimal(rules.per_share), decimal(quantity))
    by_value = times(times(decimal(rules.percent), decimal(0.01)), notional)
    order.fees, order.fees_rest = plus((order.fees, order.fees_rest), plus(by_share, by_value))
    due = max(
        to_units(rules.scale, (order.fees, order.fees_rest)),
        to_units(rules.scale, decimal(rules.minimum)),
    )
    return due - to_units(rules.scale, decimal(order.commission))


@njit
def slippage_of(rules, quantity, price, high, low):
    """The slippage of a fill at the market, a pair.

    Basis points of the price, plus a part of the bar's range.
    """
    by_price = times(times(decimal(rules.slippage_bps), decimal(0.0001)), decimal(price))
    by_range = times(decimal(rules.slippage_spread), minus(decimal(high), decimal(low)))
    return times(decimal(quantity), plus(by_price, by_range))


@njit
def mark(ledger, symbol, price):
    """Value a symbol's positions at a price."""
    quote, account = ledger.quotes[symbol], ledger.account[0]
    if not math.isnan(quote.last):
        change = price - quote.last
        for strategy in range(len(ledger.strategies)):
            quantity = ledger.positions[strategy, symbol].quantity
            if quantity != 0.0:
                account.value += quantity * change
                account.gross += abs(quantity) * change
                ledger.strategies[strategy].gross += abs(quantity) * change
    quote.last = price
    account.equity = account.cash / ledger.rules[0].scale + account.value


@njit
def revalue(ledger):
    """Sum the values of all positions anew, so that rounding errors do not add up."""
    account = ledger.account[0]
    account.value, account.gross = 0.0, 0.0
    for strategy in range(len(ledger.strategies)):
        ledger.strategies[strategy].gross = 0.0
    for place in range(ledger.counts[HELD]):
        strategy, symbol = ledger.held[place, 0], ledger.held[place, 1]
        quantity, last = ledger.positions[strategy, symbol].quantity, ledger.quotes[symbol].last
        account.value += quantity * last
        account.gross += abs(quantity) * last
        ledger.strategies[strategy].gross += abs(quantity) * last
    account.equity = account.cash / ledger.rules[0].scale + account.value


@njit
def lots_for(ledger, room, whole, each):
    """The number of shares, in whole lots, that fit into `room`, a remainder of `whole`."""
    lot = ledger.rules[0].lot
    shares = max(0.0, room / each)
    if lot <= 0.0 or shares == 0.0:
        return shares
    return to_grid(shares, lot, False, STEP_ERROR * whole / each / lot)


@njit
def affordable(ledger, own, awaited, price, unit_cost):
    """The number of shares that the account can buy or short at a price.

    own      reserved for this very order, so added back
    awaited  what exits on their way are expected to free; not counted at a fill
    """
    account, rules = ledger.account[0], ledger.rules[0]
    room = rules.leverage * account.equity - account.gross - (account.reserved - own) + awaited
    room -= rules.minimum + rules.per_order
    each = price * (1.0 + rules.percent / 100.0) + rules.per_share + unit_cost
    return lots_for(ledger, room, rules.leverage * account.equity, each)


@njit
def wanted(ledger, unit, size, price, stop_loss):
    """The number of shares that a size in a unit asks for at a price."""
    equity = ledger.account[0].equity
    if unit != SHARES and not price > 0.0:
        return math.nan
    if unit == CASH:
        return size / price
    if unit == PERCENT:
        return equity * size / 100.0 / price
    if unit == RISK:
        risk = abs(add(price, -stop_loss))
        return equity * size / 100.0 / risk if risk > 0.0 else math.nan
    return size
