"""Fisher transform."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import peak_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 3 + 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(0.33) + rows_to_forget(0.5)


@kernel
def fisher(high, low, period, state, fisher, signal):
    """Fisher transform: of the middle (high + low) / 2 within its range of `period` bars, scaled to -1 .. 1 and smoothed
    (x = 0.33 * 2 * (place - 0.5) + 0.67 * x, kept within 0.999), fisher = 0.5 * ln((1 + x) / (1 - x)) + 0.5 * last
    fisher; signal is the last fisher.

    John Ehlers, Technical Analysis of Stocks & Commodities (2002). NaN in either: while it is in the window; the state
    waits. Flat: the
    place counts as the middle of the range. Too short: NaN.
    """
    half = 3 + 4 + 2 * period
    for row in range(len(high)):
        middle = (high[row] + low[row]) / 2.0
        top = peak_next(middle, period, state[3:half])
        bottom = -peak_next(-middle, period, state[half:])
        fisher[row] = signal[row] = np.nan
        if top != top:
            continue
        place = (middle - bottom) / (top - bottom) if top > bottom else 0.5
        state[1] = min(max(0.66 * (place - 0.5) + 0.67 * state[1], -0.999), 0.999)
        last = state[2]
        state[2] = 0.5 * np.log((1.0 + state[1]) / (1.0 - state[1])) + 0.5 * last
        if state[0] > 0.0:
            fisher[row], signal[row] = state[2], last
        state[0] = 1.0
