"""One instant after the other: what strategies ask for, then the bar that follows.

A bar from one instant to the next, in the order in which things can be known to happen:

    1. `_at_open`   orders that reduce positions fill at the open, then those that open them
    2. `_within`    entries fill within the bar's range, then stops, then targets: where a bar
                    touches both, the stop is taken
    3. `_bar_over`  positions are marked at the close, trailing stops follow
    4. `_at_close`  at the session's end: market-on-close, flat at close, day orders expire
    5. `_guard`     margin call, daily loss limit; what they send out fills at the next bar
"""

from __future__ import annotations

import math

from engine.runtime.borrow import borrow
from engine.runtime.jit import njit
from engine.trading.broker.filling import execute, see
from engine.trading.broker.money import mark, revalue
from engine.trading.broker.placing import accept, compact, end_order, new_order
from engine.trading.broker.prices import follow, price_at_open, price_within, settle
from engine.trading.broker.quotes import begin_at, catch_up_all, catch_up_named, find_bars
from engine.trading.broker.records import (
    ALIVE,
    AT_CLOSE,
    AT_OPEN,
    BY_LIMIT,
    BY_STOP,
    CANCELLED,
    DAILY_LOSS_LIMIT,
    EXPIRED,
    FILLS,
    FLAT_AT_CLOSE,
    HELD,
    LOCKS,
    MARGIN_CALL,
    MAX_BARS,
    NOT_TRADED,
    OPEN,
    ORDERS,
    SESSION_OVER,
    SETTLED,
    STOP,
    STOP_LIMIT,
    TRADES,
    TRAILING,
    lend,
    lend_feed,
)
from engine.trading.broker.signals import act, opens, send_out


@njit
def room_needed(ledger, signals):
    """The most free elements that one instant with so many signals can take in an array."""
    return 16 + 12 * (ledger.counts[ALIVE] + ledger.counts[HELD] + 2 * signals)


@njit
def has_room(ledger, signals):
    """Whether the arrays have room for one more instant."""
    need = room_needed(ledger, signals)
    used = max(
        ledger.counts[ORDERS], ledger.counts[FILLS], ledger.counts[TRADES], ledger.counts[LOCKS]
    )
    return used + need <= len(ledger.orders)


@njit
def walk(ledger, feed, first, last, signals, next_signal, equity):
    """Process the instants first .. last - 1: signals at each, then the bar that follows.

    signals  SIGNAL records, sorted by instant and strategy
    equity   EQUITY [instants]; row k + 1 is written after the bar that ends at instant k + 1

    Returns the instant reached and the next signal. The instant is below `last` where the ledger's
    arrays are full: enlarge them and call again.
    """
    own_ledger, own_feed, own_rows = ledger, feed, (signals, equity)
    ledger, feed = lend(own_ledger), lend_feed(own_feed)
    signals, equity = borrow(own_rows)
    begin_at(feed, first)
    for instant in range(first, last):
        end = next_signal
        while end < len(signals) and signals[end].instant <= instant:
            end += 1
        idle = ledger.counts[ALIVE] == 0 and ledger.counts[HELD] == 0
        if idle and not opens(signals, next_signal, end):
            next_signal = end  # exits of positions and orders that are not there
        if not (idle and end == next_signal) and not has_room(ledger, end - next_signal):
            catch_up_all(ledger, feed, instant)
            return instant, next_signal
        if end > next_signal:
            catch_up_named(ledger, feed, signals, next_signal, end, instant)
            act_all(ledger, signals, next_signal, end, feed.instants[instant])
            next_signal = end
            idle = ledger.counts[ALIVE] == 0 and ledger.counts[HELD] == 0
        if idle:
            _rest(ledger, feed.instants[instant + 1], equity[instant + 1])
        else:
            _bar(ledger, feed, instant, equity)
    catch_up_all(ledger, feed, last)
    return last, next_signal


@njit
def act_all(ledger, signals, first, last, now):
    """The signals of one instant, strategy by strategy."""
    while first < last:
        end = first
        while end < last and signals[end].strategy == signals[first].strategy:
            end += 1
        act(ledger, signals, first, end, now)
        first = end


@njit
def step(ledger, feed, instant, equity):
    """Process the bar after an instant; then every symbol's quote is up to date."""
    begin_at(feed, instant)
    _bar(ledger, feed, instant, equity)
    catch_up_all(ledger, feed, instant + 1)


@njit
def _bar(ledger, feed, instant, equity):
    """The bar from one instant to the next, in the order of the module's text."""
    until = feed.instants[instant + 1]
    find_bars(ledger, feed, instant)
    _at_open(ledger, feed)
    _within(ledger, feed)
    _bar_over(ledger, feed, instant)
    compact(ledger)
    if instant + 2 == len(feed.instants):
        _at_close(ledger, feed, until)
        compact(ledger)
    revalue(ledger)
    _guard(ledger, until)
    record_equity(ledger, until, equity[instant + 1])


@njit
def _rest(ledger, until, row):
    """Process a bar without positions or orders: only the loss limit may be reached."""
    if ledger.rules[0].daily_loss > 0.0:
        _guard(ledger, until)
    record_equity(ledger, until, row)


@njit
def record_equity(ledger, time, row):
    """A row of the equity curve; the account's peak moves on."""
    account = ledger.account[0]
    account.peak = max(account.peak, account.equity)
    row.time, row.cash, row.value, row.equity, row.gross = (
        time,
        account.cash,
        account.value,
        account.equity,
        account.gross,
    )
    row.drawdown = account.equity / account.peak - 1.0 if account.peak > 0.0 else 0.0
    row.reserved, row.interest = account.reserved, account.interest
    row.open_positions, row.open_orders = account.open_positions, ledger.counts[ALIVE]


@njit
def _is_due(ledger, order):
    """Whether an order was placed by the bar's start and its symbol traded in the bar."""
    quote = ledger.quotes[order.symbol]
    return order.status == OPEN and quote.traded and order.placed <= quote.time


@njit
def _reduces(ledger, order):
    return order.side * ledger.positions[order.strategy, order.symbol].quantity < 0.0


@njit
def _at_open(ledger, feed):
    for only_reducing in (
        True,
        False,
    ):  # the second time all: an order may reduce what another has just opened
        for i in range(ledger.counts[ALIVE]):
            place = ledger.alive[i]
            order = ledger.orders[place]
            if (
                not _is_due(ledger, order)
                or order.born != SETTLED
                or (only_reducing and not _reduces(ledger, order))
            ):
                continue
            row = ledger.quotes[order.symbol].row
            price = price_at_open(order, feed.open[row])
            if not math.isnan(price):
                execute(
                    ledger,
                    place,
                    price,
                    AT_OPEN,
                    order_time(ledger, order),
                    feed.high[row],
                    feed.low[row],
                )


@njit
def order_time(ledger, order):
    """The time of an order's fill: the start of the current bar."""
    return ledger.quotes[order.symbol].time


@njit
def _within(ledger, feed):
    _within_of(ledger, feed, False, True)  # entries
    _within_of(ledger, feed, True, True)  # stops
    _within_of(ledger, feed, True, False)  # targets


@njit
def _within_of(ledger, feed, reducing, stops):
    i = 0
    while i < ledger.counts[ALIVE]:  # brackets join while entries fill
        place = ledger.alive[i]
        i += 1
        order = ledger.orders[place]
        if (
            not _is_due(ledger, order)
            or order.left <= ledger.rules[0].dust
            or _reduces(ledger, order) != reducing
        ):
            continue
        is_stop = order.kind in (STOP, STOP_LIMIT, TRAILING)
        if reducing and is_stop != stops:
            continue
        row = ledger.quotes[order.symbol].row
        price = price_within(order, feed.open[row], feed.high[row], feed.low[row])
        if not math.isnan(price):
            how = BY_STOP if is_stop else BY_LIMIT
            if order.born == AT_OPEN and price == feed.open[row]:
                how = AT_OPEN
            execute(
                ledger, place, price, how, order_time(ledger, order), feed.high[row], feed.low[row]
            )


@njit
def _bar_over(ledger, feed, instant):
    until = feed.instants[instant + 1]
    for i in range(len(feed.symbols)):
        row = feed.bars[i, instant]
        if row >= 0 and feed.cursors[i] == instant + 1:
            mark(ledger, feed.symbols[i], feed.close[row])
    for i in range(ledger.counts[HELD]):
        strategy, symbol = ledger.held[i, 0], ledger.held[i, 1]
        row = ledger.quotes[symbol].row
        if row >= 0:
            _age(ledger, strategy, symbol, feed, row, until)
    for i in range(ledger.counts[ALIVE]):
        order = ledger.orders[ledger.alive[i]]
        row = ledger.quotes[order.symbol].row
        if order.status == OPEN and ledger.quotes[order.symbol].traded:
            follow(
                order,
                feed.times[row],
                feed.high[row],
                feed.low[row],
                feed.close[row],
                ledger.rules[0].tick,
            )
            settle(order)


@njit
def _age(ledger, strategy, symbol, feed, row, until):
    """Update a position after a bar.

    For the bar in which it was opened, only adverse prices are certain to have come later.
    """
    position = ledger.positions[strategy, symbol]
    high, low, start = feed.high[row], feed.low[row], feed.times[row]
    if position.opened_bar == start and position.born in (BY_LIMIT, BY_STOP):
        if position.side > 0:
            high = feed.close[row]
        else:
            low = feed.close[row]
    see(position, high, low)
    position.bars += 1
    longest = ledger.strategies[strategy].max_bars
    if longest > 0 and position.bars >= longest:
        send_out(ledger, strategy, symbol, MAX_BARS, until)


@njit
def _at_close(ledger, feed, close):
    """Fill orders at the closing price, and expire day orders.

    The price and the volume are those of the session's last bar; no fill where its volume is 0.
    """
    for reducing in (True, False):
        for i in range(ledger.counts[ALIVE]):
            place = ledger.alive[i]
            order = ledger.orders[place]
            quote = ledger.quotes[order.symbol]
            traded = _has_closing_price(ledger, quote) and order.placed <= quote.time
            if (
                order.status == OPEN
                and order.kind == AT_CLOSE
                and traded
                and _reduces(ledger, order) == reducing
            ):
                execute(ledger, place, quote.last, SETTLED, close, quote.last, quote.last)
    if ledger.rules[0].flat_at_close:
        _flatten(ledger, close)
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        order = ledger.orders[place]
        if order.status == OPEN and order.day and order.placed < close:
            traded = ledger.quotes[order.symbol].dealt == ledger.account[0].session
            end_order(ledger, place, EXPIRED, SESSION_OVER if traded else NOT_TRADED, close)


@njit
def _has_closing_price(ledger, quote):
    """Whether the symbol traded in its last bar of the session."""
    return quote.dealt == ledger.account[0].session and quote.closes


@njit
def _flatten(ledger, close):
    """Close positions at the closing price, where the symbol traded in the session since.

    Entry orders are cancelled.
    """
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        order = ledger.orders[place]
        if order.status == OPEN and not order.reduce and order.placed < close:
            end_order(ledger, place, CANCELLED, FLAT_AT_CLOSE, close)
    i = 0
    while i < ledger.counts[HELD]:
        strategy, symbol = ledger.held[i, 0], ledger.held[i, 1]
        position, quote = ledger.positions[strategy, symbol], ledger.quotes[symbol]
        if not _has_closing_price(ledger, quote):
            send_out(ledger, strategy, symbol, FLAT_AT_CLOSE, close)  # halted: at its next bar
            i += 1
            continue
        side = -1 if position.quantity > 0.0 else 1
        place = new_order(
            ledger,
            strategy,
            symbol,
            side,
            AT_CLOSE,
            abs(position.quantity),
            position.opened,
            FLAT_AT_CLOSE,
        )
        order = ledger.orders[place]
        order.reduce, order.scanner, order.found = True, position.scanner, position.found
        accept(ledger, place)
        execute(ledger, place, quote.last, SETTLED, close, quote.last, quote.last)
        if (
            i < ledger.counts[HELD]
            and ledger.held[i, 0] == strategy
            and ledger.held[i, 1] == symbol
        ):
            end_order(
                ledger, place, EXPIRED, SESSION_OVER, close
            )  # beyond the volume cap: the rest at its next bar
            send_out(ledger, strategy, symbol, FLAT_AT_CLOSE, close)
            i += 1


@njit
def _guard(ledger, now):
    account, rules = ledger.account[0], ledger.rules[0]
    if account.gross > 0.0 and account.equity < rules.maintenance * account.gross:
        _liquidate(ledger, MARGIN_CALL, now)
    if (
        rules.daily_loss > 0.0
        and not account.blocked
        and account.equity <= account.session_start * (1.0 - rules.daily_loss)
    ):
        account.blocked = True
        _liquidate(ledger, DAILY_LOSS_LIMIT, now)


@njit
def _liquidate(ledger, reason, now):
    for i in range(ledger.counts[ALIVE]):
        place = ledger.alive[i]
        if ledger.orders[place].status == OPEN and not ledger.orders[place].reduce:
            end_order(ledger, place, CANCELLED, reason, now)
    compact(ledger)
    for i in range(ledger.counts[HELD]):
        send_out(ledger, ledger.held[i, 0], ledger.held[i, 1], reason, now)
