"""Stochastic oscillator, slow."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import peak_next, sum_next, window_size


def state_size(fast: int, smooth: int, signal: int) -> int:
    """Length of the state."""
    return 2 * window_size(fast) + window_size(smooth) + window_size(signal)


def warmup(fast: int, smooth: int, signal: int) -> int:
    """Rows up to and including the first value."""
    return fast + smooth + signal - 2


def settle(fast: int, smooth: int, signal: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(fast, smooth, signal)


@kernel
def stoch(high, low, close, fast, smooth, signal, state, percent_k, percent_d):
    """Slow stochastic oscillator: the close within the range of the last `fast` bars in percent, averaged over `smooth` bars
    (%K), and that averaged over `signal` (%D); simple averages, as TA-Lib's STOCH.

    George Lane. NaN in any: while it is in a window. Flat (no range): 0, as TA-Lib says. Too short: NaN.
    """
    one, two = 4 + 2 * fast, 8 + 4 * fast
    three = two + 4 + 2 * smooth
    for row in range(len(close)):
        percent_k[row] = percent_d[row] = np.nan
        top = peak_next(high[row], fast, state[:one])
        bottom = -peak_next(-low[row], fast, state[one:two])
        if state[0] < fast:
            continue
        raw = 0.0 if top == bottom else 100.0 * (close[row] - bottom) / (top - bottom)
        average = sum_next(raw, smooth, state[two:three]) / smooth
        if state[two] < smooth:
            continue
        second = sum_next(average, signal, state[three:]) / signal
        if state[three] >= signal:
            percent_k[row], percent_d[row] = average, second
