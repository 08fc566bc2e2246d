"""One instant after the other: what strategies ask for, then the bar that follows.

A bar from one instant to the next, in the order in which things can be known to happen:

    1. `_at_open`   orders that reduce positions fill at the open, then those that open them
    2. `_within`    entries fill within the bar's range, then stops, then targets: where a bar touches both, the stop is taken
    3. `_bar_over`  positions are marked at the close, trailing stops follow
    4. `_at_close`  at the session's end: market-on-close, flat at close, day orders expire
    5. `_guard`     margin call, daily loss limit; what they send out fills at the next bar
"""

from __future__ import annotations

import math

from engine.kernels.broker.filling import execute, see
from engine.kernels.broker.money import mark, revalue
from engine.kernels.broker.placing import accept, compact, end_order, new_order
from engine.kernels.broker.prices import follow, price_at_open, price_within, settle
from engine.kernels.broker.quotes import begin_at, catch_up_all, catch_up_named, find_bars
from engine.kernels.broker.records import (
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
    lend_tape,
)
from engine.kernels.broker.signals import act, send_out
from engine.runtime.borrow import borrow
from engine.runtime.jit import njit


@njit
def room_needed(books, signals):
    """Free places in orders, fills, trades and locks that one instant can take at the most, with so many signals."""
    return 16 + 12 * (books.counts[ALIVE] + books.counts[HELD] + 2 * signals)


@njit
def has_room(books, signals):
    """Whether one more instant fits."""
    need = room_needed(books, signals)
    used = max(books.counts[ORDERS], books.counts[FILLS], books.counts[TRADES], books.counts[LOCKS])
    return used + need <= len(books.orders)


@njit
def walk(books, tape, first, last, signals, next_signal, equity):
    """From instant `first` to instant `last`: signals at each, then the bar that follows it.

    signals      SIGNAL[], sorted by instant and strategy
    equity       EQUITY[instants], row k + 1 is written after the bar that ends at instant k + 1

    Returns the instant reached, and the next signal. It is earlier than `last` where the books have no room left:
    enlarge them and call again.
    """
    own_books, own_tape, own_rows = books, tape, (signals, equity)
    books, tape = lend(own_books), lend_tape(own_tape)
    signals, equity = borrow(own_rows)
    begin_at(tape, first)
    for instant in range(first, last):
        end = next_signal
        while end < len(signals) and signals[end].instant <= instant:
            end += 1
        idle = books.counts[ALIVE] == 0 and books.counts[HELD] == 0
        if not (idle and end == next_signal) and not has_room(books, end - next_signal):
            catch_up_all(books, tape, instant)
            return instant, next_signal
        if end > next_signal:
            catch_up_named(books, tape, signals, next_signal, end, instant)
            act_all(books, signals, next_signal, end, tape.instants[instant])
            next_signal = end
            idle = books.counts[ALIVE] == 0 and books.counts[HELD] == 0
        if idle:
            _rest(books, tape.instants[instant + 1], equity[instant + 1])
        else:
            _bar(books, tape, instant, equity)
    catch_up_all(books, tape, last)
    return last, next_signal


@njit
def act_all(books, signals, first, last, now):
    """The signals of one instant, strategy by strategy."""
    while first < last:
        end = first
        while end < last and signals[end].strategy == signals[first].strategy:
            end += 1
        act(books, signals, first, end, now)
        first = end


@njit
def step(books, tape, instant, equity):
    """The bar from one instant to the next; row instant + 1 of `equity` is what it leaves. Every symbol's quote knows it then."""
    begin_at(tape, instant)
    _bar(books, tape, instant, equity)
    catch_up_all(books, tape, instant + 1)


@njit
def _bar(books, tape, instant, equity):
    """The bar from one instant to the next, in the order of the module's text."""
    until = tape.instants[instant + 1]
    find_bars(books, tape, instant)
    _at_open(books, tape)
    _within(books, tape)
    _bar_over(books, tape, instant)
    compact(books)
    if instant + 2 == len(tape.instants):
        _at_close(books, tape, until)
        compact(books)
    revalue(books)
    _guard(books, until)
    record_equity(books, until, equity[instant + 1])


@njit
def _rest(books, until, row):
    """A bar in which nothing is held or ordered: only the loss limit may be reached, by what was charged before."""
    if books.rules[0].daily_loss > 0.0:
        _guard(books, until)
    record_equity(books, until, row)


@njit
def record_equity(books, time, row):
    """A row of the equity curve; the account's peak moves on."""
    account = books.account[0]
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
    row.open_positions, row.open_orders = account.open_positions, books.counts[ALIVE]


@njit
def _is_due(books, order):
    """Whether the order was placed by the start of the bar at hand, of a symbol that traded in one."""
    quote = books.quotes[order.symbol]
    return order.status == OPEN and quote.traded and order.placed <= quote.time


@njit
def _reduces(books, order):
    return order.side * books.positions[order.strategy, order.symbol].quantity < 0.0


@njit
def _at_open(books, tape):
    for only_reducing in (
        True,
        False,
    ):  # the second time all: an order may reduce what another has just opened
        for i in range(books.counts[ALIVE]):
            place = books.alive[i]
            order = books.orders[place]
            if (
                not _is_due(books, order)
                or order.born != SETTLED
                or (only_reducing and not _reduces(books, order))
            ):
                continue
            row = books.quotes[order.symbol].row
            price = price_at_open(order, tape.open[row])
            if not math.isnan(price):
                execute(
                    books,
                    place,
                    price,
                    AT_OPEN,
                    order_time(books, order),
                    tape.high[row],
                    tape.low[row],
                )


@njit
def order_time(books, order):
    """When an order fills: the start of the bar at hand."""
    return books.quotes[order.symbol].time


@njit
def _within(books, tape):
    _within_of(books, tape, False, True)  # entries
    _within_of(books, tape, True, True)  # stops
    _within_of(books, tape, True, False)  # targets


@njit
def _within_of(books, tape, reducing, stops):
    i = 0
    while i < books.counts[ALIVE]:  # brackets join while entries fill
        place = books.alive[i]
        i += 1
        order = books.orders[place]
        if (
            not _is_due(books, order)
            or order.left <= books.rules[0].dust
            or _reduces(books, order) != reducing
        ):
            continue
        is_stop = order.kind in (STOP, STOP_LIMIT, TRAILING)
        if reducing and is_stop != stops:
            continue
        row = books.quotes[order.symbol].row
        price = price_within(order, tape.open[row], tape.high[row], tape.low[row])
        if not math.isnan(price):
            how = BY_STOP if is_stop else BY_LIMIT
            if order.born == AT_OPEN and price == tape.open[row]:
                how = AT_OPEN
            execute(
                books, place, price, how, order_time(books, order), tape.high[row], tape.low[row]
            )


@njit
def _bar_over(books, tape, instant):
    until = tape.instants[instant + 1]
    for i in range(len(tape.symbols)):
        row = tape.bars[i, instant]
        if row >= 0 and tape.cursors[i] == instant + 1:
            mark(books, tape.symbols[i], tape.close[row])
    for i in range(books.counts[HELD]):
        strategy, symbol = books.held[i, 0], books.held[i, 1]
        row = books.quotes[symbol].row
        if row >= 0:
            _age(books, strategy, symbol, tape, row, until)
    for i in range(books.counts[ALIVE]):
        order = books.orders[books.alive[i]]
        row = books.quotes[order.symbol].row
        if order.status == OPEN and books.quotes[order.symbol].traded:
            follow(
                order,
                tape.times[row],
                tape.high[row],
                tape.low[row],
                tape.close[row],
                books.rules[0].tick,
            )
            settle(order)


@njit
def _age(books, strategy, symbol, tape, row, until):
    """A position lived through a bar. Of the bar it was opened within, only what is against it is taken for certain."""
    position = books.positions[strategy, symbol]
    high, low, start = tape.high[row], tape.low[row], tape.times[row]
    if position.opened_bar == start and position.born in (BY_LIMIT, BY_STOP):
        if position.side > 0:
            high = tape.close[row]
        else:
            low = tape.close[row]
    see(position, high, low)
    position.bars += 1
    longest = books.strategies[strategy].max_bars
    if longest > 0 and position.bars >= longest:
        send_out(books, strategy, symbol, MAX_BARS, until)


@njit
def _at_close(books, tape, close):
    """The closing price is that of the session's last bar, and so is the volume that may be taken at it: none where nobody
    traded in it."""
    for reducing in (True, False):
        for i in range(books.counts[ALIVE]):
            place = books.alive[i]
            order = books.orders[place]
            quote = books.quotes[order.symbol]
            traded = _has_closing_price(books, quote) and order.placed <= quote.time
            if (
                order.status == OPEN
                and order.kind == AT_CLOSE
                and traded
                and _reduces(books, order) == reducing
            ):
                execute(books, place, quote.last, SETTLED, close, quote.last, quote.last)
    if books.rules[0].flat_at_close:
        _flatten(books, close)
    for i in range(books.counts[ALIVE]):
        place = books.alive[i]
        order = books.orders[place]
        if order.status == OPEN and order.day and order.placed < close:
            traded = books.quotes[order.symbol].dealt == books.account[0].session
            end_order(books, place, EXPIRED, SESSION_OVER if traded else NOT_TRADED, close)


@njit
def _has_closing_price(books, quote):
    """Whether the symbol traded in its last bar of the session."""
    return quote.dealt == books.account[0].session and quote.closes


@njit
def _flatten(books, close):
    """Close what is open at the closing price, where the symbol traded in the session since; entries are called back."""
    for i in range(books.counts[ALIVE]):
        place = books.alive[i]
        order = books.orders[place]
        if order.status == OPEN and not order.reduce and order.placed < close:
            end_order(books, place, CANCELLED, FLAT_AT_CLOSE, close)
    i = 0
    while i < books.counts[HELD]:
        strategy, symbol = books.held[i, 0], books.held[i, 1]
        position, quote = books.positions[strategy, symbol], books.quotes[symbol]
        if not _has_closing_price(books, quote):
            send_out(books, strategy, symbol, FLAT_AT_CLOSE, close)  # halted: at its next bar
            i += 1
            continue
        side = -1 if position.quantity > 0.0 else 1
        place = new_order(
            books,
            strategy,
            symbol,
            side,
            AT_CLOSE,
            abs(position.quantity),
            position.opened,
            FLAT_AT_CLOSE,
        )
        order = books.orders[place]
        order.reduce, order.scanner, order.found = True, position.scanner, position.found
        accept(books, place)
        execute(books, place, quote.last, SETTLED, close, quote.last, quote.last)
        if i < books.counts[HELD] and books.held[i, 0] == strategy and books.held[i, 1] == symbol:
            end_order(
                books, place, EXPIRED, SESSION_OVER, close
            )  # beyond the volume cap: the rest at its next bar
            send_out(books, strategy, symbol, FLAT_AT_CLOSE, close)
            i += 1


@njit
def _guard(books, now):
    account, rules = books.account[0], books.rules[0]
    if account.gross > 0.0 and account.equity < rules.maintenance * account.gross:
        _liquidate(books, MARGIN_CALL, now)
    if (
        rules.daily_loss > 0.0
        and not account.blocked
        and account.equity <= account.session_start * (1.0 - rules.daily_loss)
    ):
        account.blocked = True
        _liquidate(books, DAILY_LOSS_LIMIT, now)


@njit
def _liquidate(books, reason, now):
    for i in range(books.counts[ALIVE]):
        place = books.alive[i]
        if books.orders[place].status == OPEN and not books.orders[place].reduce:
            end_order(books, place, CANCELLED, reason, now)
    compact(books)
    for i in range(books.counts[HELD]):
        send_out(books, books.held[i, 0], books.held[i, 1], reason, now)
