"""As-of look-up: the latest bar that is known at each tick."""

import numpy as np

from engine.runtime.jit import njit

MOST_PLACES = 4096  # of the grid that all ticks lie on; above, bars and ticks are merged


@njit
def latest_rows(first, last, starts, ends, known_at, lag, ticks, rows):
    """Write rows[symbol, tick] = index of the last bar with known_at + lag <= tick.

    first, last   the symbols to walk, [first, last)
    starts, ends  int64[symbols]: a symbol's bars are known_at[start:end]
    known_at      int64[bars], microseconds, increasing within a symbol
    ticks         int64[ticks], microseconds, increasing
    rows          int64[symbols, ticks], written; starts[symbol] - 1 where no bar is known
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
    """Note the last bar that becomes known at each tick, then carry it forward: no branch on a bar.

    A bar that is known n microseconds after the first tick is visible from the tick ceil(n / step)
    on. For whole numbers that is ceil((n - 1/2) / step), half a microsecond from any tick, so the
    rounded product with 1 / step is on the right side.
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
    """Index of the first tick at which each bar is known; its own loop, so it is vector code."""
    for bar in range(len(known_at)):
        place = (float(known_at[bar] + since) - 0.5) * a_step + 1.0
        places[bar] = np.uint32(np.int32(min(max(place, 0.0), last_place)))


@njit
def _by_merging(first, last, starts, ends, known_at, lag, ticks, rows):
    """Walk bars and ticks in step, as in a merge join."""
    for symbol in range(first, last):
        row, end = starts[symbol], ends[symbol]
        for tick in range(len(ticks)):
            limit = ticks[tick] - lag
            while row < end and known_at[row] <= limit:
                row += 1
            rows[symbol, tick] = row - 1
