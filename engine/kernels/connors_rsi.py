"""Connors RSI."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import before_next, ring_size, rsi_next


def state_size(period: int, streak: int, rank: int) -> int:
    """Length of the state."""
    return 11 + ring_size(rank)


def warmup(period: int, streak: int, rank: int) -> int:
    """Rows up to and including the first value."""
    return max(period + 1, streak + 1, rank + 2)


def settle(period: int, streak: int, rank: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, streak, rank) + rows_to_forget(1.0 / max(period, streak))


@kernel
def connors_rsi(values, period, streak, rank, state, out):
    """Connors RSI: mean of the RSI of the value, the RSI of the length of its run up or down, and the share of the last
    `rank` changes
    in percent that are below the latest, in percent.

    Larry Connors and Cesar Alvarez (2012). NaN: NaN at that row, which is otherwise passed over. Flat: 33.3 (RSIs of 50,
    no change
    below). Too short: NaN.
    """
    # state: whether there was a value, the last one, the length of its run, two RSIs (4 each), ring of changes
    ring = state[13:]
    for row in range(len(values)):
        value = values[row]
        out[row] = np.nan
        if value != value:
            continue
        first, last, length = state[0] == 0.0, state[1], state[2]
        if first or value == last:
            length = 0.0
        else:
            length = max(length, 0.0) + 1.0 if value > last else min(length, 0.0) - 1.0
        state[0], state[1], state[2] = 1.0, value, length
        strength, runs = rsi_next(value, period, state[3:7]), rsi_next(length, streak, state[7:11])
        if first or last == 0.0:
            continue
        change, below = 100.0 * (value / last - 1.0), 0.0
        for i in range(rank):
            below += ring[i] < change
        ready = state[11] >= rank
        before_next(change, rank, state[11:])
        if ready and not np.isnan(strength + runs):
            out[row] = (strength + runs + 100.0 * below / rank) / 3.0
