"""Aroon oscillator."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, ring_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 2 * ring_size(period + 1)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def aroon_oscillator(high, low, period, state, out):
    """Aroon oscillator: Aroon up - Aroon down, as TA-Lib's AROONOSC.

    Tushar Chande (1995). NaN in either: while it is in the window. Flat: 0. Too short: NaN.
    """
    for row in range(len(high)):
        before_next(high[row], period + 1, state[: 3 + period])
        before_next(low[row], period + 1, state[3 + period :])
        out[row] = np.nan
        if state[0] <= period:
            continue
        top, bottom, since_top, since_bottom = -np.inf, np.inf, 0, 0
        place, hurt = int(state[1]), False
        for i in range(period + 1):
            high_then, low_then = state[2 + place], state[5 + period + place]
            hurt = hurt or high_then != high_then or low_then != low_then
            if high_then >= top:
                top, since_top = high_then, period - i
            if low_then <= bottom:
                bottom, since_bottom = low_then, period - i
            place = place + 1 if place < period else 0
        if not hurt:
            out[row] = 100.0 * (since_bottom - since_top) / period
