"""What a symbol's bars say at an instant, of those symbols alone that somebody holds or has ordered.

Of a symbol in which there is neither a position nor an order nothing is asked until a signal names it. So its bars are not looked
at instant by instant: `catch_up` takes the latest of them when it is asked for. What a quote holds then, and at the end of every
walk, is what looking at each bar would have left in it.
"""

from __future__ import annotations

import math

from engine.kernels.broker.decimals import multiply
from engine.kernels.broker.money import round_lot
from engine.runtime.jit import njit


@njit
def index_bars(starts, ends, times, volume, instants, bars, latest, traded):
    """Which bar each symbol has from each instant to the next: the first that starts there.

    starts, ends  int64[n], where each symbol's bars are; times, volume [bars]; instants int64[k], increasing
    bars          int32[n, k - 1], written: the bar's row, -1 for none
    latest        int32[n, k - 1], written: the latest such row up to then, -1 for none
    traded        int32[n, k - 1], written: the latest one in which somebody traded (volume above 0)
    """
    for i in range(len(starts)):
        row, last, dealt = starts[i], -1, -1
        for k in range(len(instants) - 1):
            now, until = instants[k], instants[k + 1]
            while row < ends[i] and times[row] < now:
                row += 1
            bars[i, k] = -1
            if row < ends[i] and times[row] < until:
                bars[i, k] = last = row
                if volume[row] > 0.0:
                    dealt = row
                row += 1
            latest[i, k], traded[i, k] = last, dealt


@njit
def place_symbols(symbols, places):
    """places[symbol] = i where symbols[i] is the symbol; -1 elsewhere."""
    places[:] = -1
    for i in range(len(symbols)):
        places[symbols[i]] = i


@njit
def begin_at(tape, first):
    """Bars before an instant are not looked at any more: a tape that was laid out in the session begins there."""
    for i in range(len(tape.symbols)):
        tape.cursors[i] = max(tape.cursors[i], first)


@njit
def catch_up(books, tape, i, instant):
    """Take a symbol's bars up to an instant into its quote; nobody held it or had ordered it since its cursor."""
    begin = tape.cursors[i]
    if begin >= instant:
        return
    tape.cursors[i] = instant
    quote, since = books.quotes[tape.symbols[i]], tape.instants[begin]
    row = tape.bars[i, instant - 1]
    quote.row, quote.traded = row, row >= 0 and tape.volume[row] > 0.0
    last = tape.latest[i, instant - 1]
    if last < 0 or tape.times[last] < since:
        return
    session = books.account[0].session
    quote.seen, quote.last, quote.closes = session, tape.close[last], tape.volume[last] > 0.0
    dealt = tape.traded[i, instant - 1]
    if dealt >= 0 and tape.times[dealt] >= since:
        _deal(books, tape, quote, dealt, session)


@njit
def _deal(books, tape, quote, row, session):
    """Somebody traded in a bar: its time, its session, and how much of its volume may be taken."""
    rules = books.rules[0]
    quote.time, quote.dealt = tape.times[row], session
    quote.budget = (
        round_lot(multiply(rules.participation, tape.volume[row]), rules.lot)
        if rules.participation > 0.0
        else math.inf
    )


@njit
def catch_up_all(books, tape, instant):
    """`catch_up` for every symbol."""
    for i in range(len(tape.symbols)):
        catch_up(books, tape, i, instant)


@njit
def catch_up_named(books, tape, signals, first, last, instant):
    """`catch_up` for the symbols that the signals [first, last) may open or change positions in."""
    for n in range(first, last):
        if signals[n].side != 0 or not math.isnan(signals[n].weight):
            i = tape.places[signals[n].symbol]
            if i >= 0:
                catch_up(books, tape, i, instant)


@njit
def find_bars(books, tape, instant):
    """The bar that follows an instant, of each symbol that is held or ordered. Nobody traded in one whose volume is 0: to orders
    it is no bar."""
    session = books.account[0].session
    for i in range(len(tape.symbols)):
        quote = books.quotes[tape.symbols[i]]
        if quote.busy == 0:
            continue
        if tape.cursors[i] < instant:
            catch_up(books, tape, i, instant)
        tape.cursors[i] = instant + 1
        row = tape.bars[i, instant]
        quote.row, quote.traded = row, False
        if row >= 0:
            quote.seen, quote.traded = session, tape.volume[row] > 0.0
            quote.closes = quote.traded
            if quote.traded:
                _deal(books, tape, quote, row, session)
