"""Concatenate the rows of several sources, symbol by symbol."""

from engine.runtime.jit import njit


@njit
def join_rows(starts, ends, free, values, out):
    """Copy each symbol's values[starts[symbol]:ends[symbol]] to `out` from free[symbol] on.

    starts, ends, free  int64[symbols]
    values, out         of one dtype
    """
    for symbol in range(len(starts)):
        own = values[starts[symbol] : ends[symbol]]
        to = out[free[symbol] : free[symbol] + len(own)]
        for row in range(len(own)):  # vector code: no row is before the first
            to[row] = own[row]
