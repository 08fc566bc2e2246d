"""Rows of several sorted sources put together symbol by symbol."""

from engine.runtime.jit import njit


@njit
def join_rows(starts, ends, free, values, out):
    """Copy each symbol's values[starts[symbol]:ends[symbol]] to `out` from free[symbol] on. All
    int64[symbols] but the values.
    """
    for symbol in range(len(starts)):
        own = values[starts[symbol] : ends[symbol]]
        to = out[free[symbol] : free[symbol] + len(own)]
        for row in range(len(own)):  # vector code: no row is before the first
            to[row] = own[row]
