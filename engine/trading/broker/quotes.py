"""Quotes: what a symbol's bars say at an instant.

Only symbols with a position, an order or a signal need a quote. The bars of the others are not read
instant by instant: `catch_up` reads the latest of them when a signal names the symbol, and at the
end of every walk. The quote is then the same as if each bar had been read.
"""

from __future__ import annotations

import math

from engine.runtime.jit import njit
from engine.trading.broker.decimals import multiply
from engine.trading.broker.money import round_lot


@njit
def index_bars(starts, ends, times, volume, instants, bars, latest, traded):
    """Write which bar each symbol has from each instant to the next: the first that starts there.

    starts, ends   int64 [symbols], each symbol's slice of the bars
    times, volume  [bars], bar starts in microseconds, and volumes
    instants       int64 [instants], increasing, microseconds
    bars           int32 [symbols, instants - 1], written: the bar's row, -1 for none
    latest         the same shape, written: the latest such row by then, -1 for none
    traded         the same shape, written: the latest such row with a volume above 0
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
    """Write places[symbols[i]] = i; -1 for all other symbols."""
    places[:] = -1
    for i in range(len(symbols)):
        places[symbols[i]] = i


@njit
def begin_at(feed, first):
    """Skip the bars before the instant `first`, for a feed made in the middle of a session."""
    for i in range(len(feed.symbols)):
        feed.cursors[i] = max(feed.cursors[i], first)


@njit
def catch_up(ledger, feed, i, instant):
    """Take the bars of symbol i up to an instant into its quote.

    Since the symbol's cursor it had neither a position nor an order.
    """
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
    """Note a bar with volume in the quote: time, session, volume that fills may take."""
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
    """`catch_up` for the symbols of the signals first .. last - 1."""
    for n in range(first, last):
        if signals[n].side != 0 or not math.isnan(signals[n].weight):
            i = feed.places[signals[n].symbol]
            if i >= 0:
                catch_up(ledger, feed, i, instant)


@njit
def find_bars(ledger, feed, instant):
    """Note the bar that follows an instant in the quote of each symbol held or ordered.

    Nobody traded in a bar of volume 0; orders treat it as no bar.
    """
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
