"""The order of rows within each of their ticks."""

import numpy as np

from engine.kernels.jit import njit


@njit
def rank_rows(ticks, keys, order, ranks):
    """Write to `order` the rows of each tick by their key, lowest first, equal ones as they stand; to `ranks` 1, 2, 3 ... of each.

    ticks  int64[rows], increasing
    keys   float64[rows], no NaN
    order  int64[rows], ranks uint32[rows]
    """
    end = 0
    while end < len(ticks):
        start = end
        while end < len(ticks) and ticks[end] == ticks[start]:
            end += 1
        order[start:end] = start + np.argsort(keys[start:end], kind="mergesort")
        for row in range(start, end):
            ranks[row] = row - start + 1
