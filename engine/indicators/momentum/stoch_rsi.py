"""Stochastic RSI."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.peak import window_highest, window_lowest
from engine.compute.shared.rounding import moved
from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget
from engine.compute.shared.strength import STRENGTH_SIZE, strength
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int, fast: int, signal: int) -> int:
    """The RSI's; three windows' past."""
    return STRENGTH_SIZE + 2 * window_size(fast) + window_size(signal)


def warmup(period: int, fast: int, signal: int) -> int:
    """Rows up to and including the first value."""
    return period + fast + signal - 1


def settle(period: int, fast: int, signal: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, fast, signal) + rows_to_forget(1.0 / period)


@register(
    inputs=("close",),
    params=(Param("period", 14, 2), Param("fast", 14, 1), Param("signal", 3, 1)),
    outputs=("percent_k", "percent_d"),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def stoch_rsi(values, period, fast, signal, state, work, percent_k, percent_d):
    """Stochastic RSI: Wilder's RSI within the range of its last `fast` values in percent (%K), and
    that averaged over `signal` (%D), as TA-Lib's STOCHRSI.

    Tushar Chande and Stanley Kroll (1994). NaN: while it is in a window; the RSI passes it over.
    Flat (no range): 0, as TA-Lib says. Too short: NaN.
    """
    top, bottom = take(len(percent_k), work), take(len(percent_k), work)
    strength(values, period, state[:4], percent_k)
    window_highest(percent_k, fast, state[4 : 4 + fast], work, top)
    window_lowest(percent_k, fast, state[4 + fast : 4 + 2 * fast], work, bottom)
    for row in range(len(top)):
        reach = moved(top[row], bottom[row])  # while prices stay the RSI does, but for rounding
        percent_k[row] = 0.0 if reach == 0.0 else 100.0 * ((percent_k[row] - bottom[row]) / reach)
    window_mean(percent_k, signal, state[4 + 2 * fast :], work, percent_d)
    for row in range(len(top)):
        percent_k[row] = (
            percent_k[row] if percent_d[row] == percent_d[row] else np.nan
        )  # both start together
