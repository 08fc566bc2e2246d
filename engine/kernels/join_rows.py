"""Rows and columns of some symbols put where they belong."""

from engine.kernels.jit import njit


@njit
def join_rows(starts, ends, free, values, out):
    """Copy each symbol's values[starts[symbol]:ends[symbol]] to `out` from free[symbol] on. All int64[symbols] but the values."""
    for symbol in range(len(starts)):
        at = free[symbol] - starts[symbol]
        for row in range(starts[symbol], ends[symbol]):
            out[at + row] = values[row]


@njit
def spread_columns(first, last, values, places, out):
    """Copy columns [first, last) of values to columns places[first:last] of `out`; float64[rows, columns], int64[columns]."""
    for row in range(len(values)):
        for column in range(first, last):
            out[row, places[column]] = values[row, column]
