"""Stochastic RSI."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import peak_next, rsi_next, sum_next, window_size


def state_size(period: int, fast: int, signal: int) -> int:
    """Length of the state."""
    return 4 + 2 * window_size(fast) + window_size(signal)


def warmup(period: int, fast: int, signal: int) -> int:
    """Rows up to and including the first value."""
    return period + fast + signal - 1


def settle(period: int, fast: int, signal: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, fast, signal) + rows_to_forget(1.0 / period)


@kernel
def stoch_rsi(values, period, fast, signal, state, percent_k, percent_d):
    """Stochastic RSI: Wilder's RSI within the range of its last `fast` values in percent (%K), and that averaged over
    `signal` (%D),
    as TA-Lib's STOCHRSI.

    Tushar Chande and Stanley Kroll (1994). NaN: NaN at that row, which is otherwise passed over. Flat (no range): 0, as TA-Lib
    says. Too short: NaN.
    """
    one = 8 + 2 * fast
    two = one + 4 + 2 * fast
    for row in range(len(values)):
        percent_k[row] = percent_d[row] = np.nan
        strength = rsi_next(values[row], period, state[:4])
        if strength != strength:
            continue
        top, bottom = peak_next(strength, fast, state[4:one]), -peak_next(-strength, fast, state[one:two])
        if top != top:
            continue
        raw = 0.0 if top == bottom else 100.0 * (strength - bottom) / (top - bottom)
        average = sum_next(raw, signal, state[two:]) / signal
        if state[two] >= signal:
            percent_k[row], percent_d[row] = raw, average
