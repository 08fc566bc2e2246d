"""The last rows of each symbol, carried from session to session."""

from engine.runtime.jit import njit


@njit
def keep_rows(first, last, starts, ends, values, before, counts, after):
    """Write the last rows of symbols [first, last) after a session, those before it included.

    starts, ends   int64[symbols]: a symbol's rows of the session are values[start:end]
    before, after  float64[symbols, rows], flush right; may be the same array
    counts         int64[symbols]: rows that a symbol has in `before`
    """
    size = before.shape[1]
    for symbol in range(first, last):
        end = ends[symbol]
        fresh = min(size, end - starts[symbol])
        old = min(size - fresh, counts[symbol])
        for row in range(old):
            after[symbol, size - fresh - old + row] = before[symbol, size - old + row]
        for row in range(fresh):
            after[symbol, size - fresh + row] = values[end - fresh + row]
