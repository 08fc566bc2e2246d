"""As-of look-up: which bar is the latest that is known at each tick."""

from engine.kernels.jit import njit


@njit
def latest_rows(first, last, starts, ends, known_at, lag, ticks, rows):
    """Write rows[symbol, tick] = index of the last bar with known_at + lag <= tick, starts[symbol] - 1 if none.

    known_at is int64[bars] in microseconds, increasing within a symbol's slice [starts, ends); ticks is int64,
    increasing; rows is int64[symbols, ticks]. Walks symbols [first, last).
    """
    for symbol in range(first, last):
        row, end = starts[symbol], ends[symbol]
        for tick in range(len(ticks)):
            limit = ticks[tick] - lag
            while row < end and known_at[row] <= limit:
                row += 1
            rows[symbol, tick] = row - 1
