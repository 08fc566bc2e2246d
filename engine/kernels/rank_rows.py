"""The order of rows within each of their ticks."""

import numpy as np

from engine.kernels.jit import njit


@njit
def rank_rows(starts, keys, order):
    """Write to `order` the rows of each tick by their key, lowest first, equal ones as they stand.

    starts  int64[ticks]: a tick's rows are starts[tick]:starts[tick + 1], the last one's go to the end
    keys    float64[rows], no NaN
    order   int64[rows]
    """
    for tick in range(len(starts)):
        start = starts[tick]
        end = starts[tick + 1] if tick + 1 < len(starts) else len(keys)
        order[start:end] = start + np.argsort(keys[start:end], kind="mergesort")
