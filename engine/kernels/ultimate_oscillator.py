"""Ultimate oscillator."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(short: int, middle: int, long: int) -> int:
    """Length of the state."""
    return 2 + 2 * (window_size(short) + window_size(middle) + window_size(long))


def warmup(short: int, middle: int, long: int) -> int:
    """Rows up to and including the first value."""
    return max(short, middle, long) + 1


def settle(short: int, middle: int, long: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(short, middle, long)


@kernel
def ultimate_oscillator(high, low, close, short, middle, long, state, out):
    """Ultimate oscillator: 100 * (4 * a + 2 * b + c) / 7, where a, b, c are buying pressure over true range, summed over
    three windows.
    Buying pressure = close - min(low, last close). As TA-Lib's ULTOSC.

    Larry Williams (1985). NaN in any: while it is in a window. Flat (no range): 0. Too short: NaN.
    """
    for row in range(len(close)):
        last, first = state[1], state[0] == 0.0
        state[0], state[1] = 1.0, close[row]
        if first:
            out[row] = np.nan
            continue
        bottom = min(low[row], last)
        pressure, reach = close[row] - bottom, max(high[row], last) - bottom
        hurt = 0.0 * (high[row] + low[row] + close[row] + last)
        total, at = 0.0, 2
        for number in range(3):
            period = short if number == 0 else middle if number == 1 else long
            size = 4 + 2 * period
            gained = sum_next(pressure + hurt, period, state[at : at + size])
            ranged = sum_next(reach + hurt, period, state[at + size : at + 2 * size])
            at += 2 * size
            weight = 4.0 if number == 0 else 2.0 if number == 1 else 1.0
            total += 0.0 if ranged == 0.0 else weight * gained / ranged
        out[row] = 100.0 * total / 7.0
