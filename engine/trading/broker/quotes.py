"""What a symbol's bars say at an instant, of those symbols alone that somebody holds or has ordered.

Of a symbol in which there is neither a position nor an order nothing is asked until a signal names it. So its bars are not looked
at instant by instant: `catch_up` takes the latest of them when it is asked for. What a quote holds then, and at the end of every
walk, is what looking at each bar would have left in it.
"""

from __future__ import annotations

import math

from engine.runtime.jit import njit
from engine.trading.broker.decimals import multiply
from engine.trading.broker.money import round_lot


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
def begin_at(feed, first):
    """Bars before an instant are not looked at any more: a feed that was laid out in the session begins there."""
    for i in range(len(feed.symbols)):
        feed.cursors[i] = max(feed.cursors[i], first)


@njit
def catch_up(ledger, feed, i, instant):
    """Take a symbol's bars up to an instant into its quote; nobody held it or had ordered it since its cursor."""
    begin = feed.cursors[i]
    if begin >= instant:
        return
    feed.cursors[i] = instant
    quote, since = ledger.quotes[feed.symbols[i]], feed.instants[begin]
    row = feed.bars[i, instant - 1]
    quote.row, quote.traded = row, row >= 0 and feed.volume[row] > 0.0
    last = feed.latest[i, instant - 1]
    if last < 0 or feed.times[last] < since:
        return
    session = ledger.account[0].session
    quote.seen, quote.last, quote.closes = session, feed.close[last], feed.volume[last] > 0.0
    dealt = feed.traded[i, instant - 1]
    if dealt >= 0 and feed.times[dealt] >= since:
        _deal(ledger, feed, quote, dealt, session)


@njit
def _deal(ledger, feed, quote, row, session):
    """Somebody traded in a bar: its time, its session, and how much of its volume may be taken."""
    rules = ledger.rules[0]
    quote.time, quote.dealt = feed.times[row], session
    quote.budget = (
        round_lot(multiply(rules.participation, feed.volume[row]), rules.lot)
        if rules.participation > 0.0
        else math.inf
    )


@njit
def catch_up_all(ledger, feed, instant):
    """`catch_up` for every symbol."""
    for i in range(len(feed.symbols)):
        catch_up(ledger, feed, i, instant)


@njit
def catch_up_named(ledger, feed, signals, first, last, instant):
    """`catch_up` for the symbols that the signals [first, last) may open or change positions in."""
    for n in range(first, last):
        if signals[n].side != 0 or not math.isnan(signals[n].weight):
            i = feed.places[signals[n].symbol]
            if i >= 0:
                catch_up(ledger, feed, i, instant)


@njit
def find_bars(ledger, feed, instant):
    """The bar that follows an instant, of each symbol that is held or ordered. Nobody traded in one whose volume is 0: to orders
    it is no bar."""
    session = ledger.account[0].session
    for i in range(len(feed.symbols)):
        quote = ledger.quotes[feed.symbols[i]]
        if quote.busy == 0:
            continue
        if feed.cursors[i] < instant:
            catch_up(ledger, feed, i, instant)
        feed.cursors[i] = instant + 1
        row = feed.bars[i, instant]
        quote.row, quote.traded = row, False
        if row >= 0:
            quote.seen, quote.traded = session, feed.volume[row] > 0.0
            quote.closes = quote.traded
            if quote.traded:
                _deal(ledger, feed, quote, row, session)
