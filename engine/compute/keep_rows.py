"""The last rows of each symbol, from session to session."""

from engine.runtime.jit import njit


@njit
def keep_rows(first, last, starts, ends, values, before, counts, after):
    """Write the last rows that symbols [first, last) have after a session: those before it, then
    values[start:end].

    before, after  float64[symbols, rows], flush right: a symbol with fewer rows has them at the
                   end; may be the same array
    counts         int64[symbols], how many rows each has in `before`
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
