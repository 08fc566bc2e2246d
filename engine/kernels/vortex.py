"""Vortex indicator."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 4 + 3 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def vortex(high, low, close, period, state, plus, minus):
    """Vortex indicator: sums over the last `period` bars of |high - last low| (plus) and |low - last high| (minus) over
    those of the true range.

    Etienne Botes and Douglas Siepman (2010). NaN in any: while it is in the window. Flat: NaN. Too short: NaN.
    """
    size = 4 + 2 * period
    for row in range(len(close)):
        first, last_high, last_low, last = state[0] == 0.0, state[1], state[2], state[3]
        state[0], state[1], state[2], state[3] = 1.0, high[row], low[row], close[row]
        plus[row] = minus[row] = np.nan
        if first:
            continue
        hurt = 0.0 * (last + close[row])
        rise = sum_next(abs(high[row] - last_low), period, state[4 : 4 + size])
        fall = sum_next(abs(low[row] - last_high), period, state[4 + size : 4 + 2 * size])
        reach = max(high[row], last) - min(low[row], last) + hurt
        total = sum_next(reach, period, state[4 + 2 * size :])
        if total > 0.0:
            plus[row], minus[row] = rise / total, fall / total
