"""As-of look-up: which bar is the latest that is known at each tick."""

import numpy as np

from engine.runtime.jit import njit

MOST_PLACES = 4096  # of the grid that all ticks lie on; above, bars and ticks are merged


@njit
def latest_rows(first, last, starts, ends, known_at, lag, ticks, rows):
    """Write rows[symbol, tick] = index of the last bar with known_at + lag <= tick, starts[symbol]
    - 1 if none.

    known_at is int64[bars] in microseconds, increasing within a symbol's slice [starts, ends);
    ticks is int64, increasing; rows is int64[symbols, ticks]. Walks symbols [first, last).
    """
    if len(ticks) == 0 or first == last:
        return
    step = _common_step(ticks)
    if (ticks[-1] - ticks[0]) // step < MOST_PLACES:
        _by_counting(first, last, starts, ends, known_at, lag, ticks, step, rows)
    else:
        _by_merging(first, last, starts, ends, known_at, lag, ticks, rows)


@njit
def _common_step(ticks):
    """The widest step of a grid, from the first tick on, that all ticks lie on."""
    step = 0
    for tick in range(1, len(ticks)):
        a, b = step, ticks[tick] - ticks[tick - 1]
        while b:
            a, b = b, a % b
        step = a
    return max(1, step)


@njit
def _by_counting(first, last, starts, ends, known_at, lag, ticks, step, rows):
    """Note the last bar that becomes known at each tick, then carry on the latest: no branch
    depends on a bar.

    A bar that is known n microseconds after the first tick is seen from the place ceil(n / step)
    on, which for whole numbers is ceil((n - 1/2) / step): half a microsecond from any place, so a
    product with 1 / step, rounded, is on the right side.
    """
    size, a_step, since = len(ticks), 1.0 / step, lag - ticks[0]
    last_place = (ticks[-1] - ticks[0]) // step + 1
    tick_at = np.searchsorted(ticks, ticks[0] + step * np.arange(last_place + 1)).astype(
        np.uint32
    )  # place -> first tick from it on
    latest = np.empty(size + 1, np.int64)
    places = np.empty((ends[first:last] - starts[first:last]).max(), np.uint32)
    for symbol in range(first, last):
        start, bars = starts[symbol], ends[symbol] - starts[symbol]
        _places(known_at[start : start + bars], since, a_step, float(last_place), places)
        for tick in range(size + 1):
            latest[tick] = start - 1
        for bar in range(bars):
            latest[tick_at[places[bar]]] = start + bar
        row = start - 1
        for tick in range(size):
            row = max(row, latest[tick])
            rows[symbol, tick] = row


@njit
def _places(known_at, since, a_step, last_place, places):
    """A loop of its own, which is vector code."""
    for bar in range(len(known_at)):
        place = (float(known_at[bar] + since) - 0.5) * a_step + 1.0
        places[bar] = np.uint32(np.int32(min(max(place, 0.0), last_place)))


@njit
def _by_merging(first, last, starts, ends, known_at, lag, ticks, rows):
    for symbol in range(first, last):
        row, end = starts[symbol], ends[symbol]
        for tick in range(len(ticks)):
            limit = ticks[tick] - lag
            while row < end and known_at[row] <= limit:
                row += 1
            rows[symbol, tick] = row - 1
