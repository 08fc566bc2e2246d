"""Supertrend."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import wilder_next


def state_size(period: int, width: float) -> int:
    """Length of the state."""
    return 8


def warmup(period: int, width: float) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int, width: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, width) + rows_to_forget(1.0 / period) + 250


@kernel
def supertrend(high, low, close, period, width, state, line, direction):
    """Supertrend: bands of `width` Wilder average true ranges around (high + low) / 2, each moving only towards the
    price; the line is
    the lower band while the trend is up (direction 1) and the upper one while it is down (-1), and turns when the close
    crosses it.

    Olivier Seban. Its path forgets where it began at its first turn after; 250 bars are taken to hold one. NaN in any:
    NaN at that row,
    which is otherwise passed over. Flat: the price. Too short: NaN.
    """
    # state: bars, last close, average true range (2), upper band, lower band, direction
    for row in range(len(close)):
        line[row] = direction[row] = np.nan
        if np.isnan(high[row] - low[row] + close[row]):
            continue
        first, last = state[0] == 0.0, state[1]
        state[0], state[1] = 1.0, close[row]
        if first:
            continue
        reach = wilder_next(max(high[row], last) - min(low[row], last), period, state[2:4])
        if reach != reach:
            continue
        middle = (high[row] + low[row]) / 2.0
        upper, lower = middle + width * reach, middle - width * reach
        if state[6] != 0.0:
            upper = upper if upper < state[4] or last > state[4] else state[4]
            lower = lower if lower > state[5] or last < state[5] else state[5]
        if state[6] > 0.0:
            state[6] = -1.0 if close[row] < lower else 1.0
        elif state[6] < 0.0:
            state[6] = 1.0 if close[row] > upper else -1.0
        else:
            state[6] = 1.0 if close[row] >= middle else -1.0
        state[4], state[5] = upper, lower
        line[row], direction[row] = lower if state[6] > 0.0 else upper, state[6]
