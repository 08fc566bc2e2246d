"""Stochastic oscillator, slow."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.peak import window_highest, window_lowest
from engine.compute.shared.rounding import moved
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(fast: int, smooth: int, signal: int) -> int:
    """Four windows' past."""
    return 2 * window_size(fast) + window_size(smooth) + window_size(signal)


def warmup(fast: int, smooth: int, signal: int) -> int:
    """Rows up to and including the first value."""
    return fast + smooth + signal - 2


@register(
    inputs=("high", "low", "close"),
    params=(Param("fast", 5, 1), Param("smooth", 3, 1), Param("signal", 3, 1)),
    outputs=("percent_k", "percent_d"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def stoch(high, low, close, fast, smooth, signal, state, work, percent_k, percent_d):
    """Slow stochastic oscillator: the close within the range of the last `fast` bars in percent,
    averaged over `smooth` bars (%K), and that averaged over `signal` (%D); simple averages, as
    TA-Lib's STOCH.

    George Lane. NaN in any: while it is in a window. Flat (no range): 0, as TA-Lib says. Too short:
    NaN.
    """
    window_highest(high, fast, state[:fast], work, percent_k)
    window_lowest(low, fast, state[fast : 2 * fast], work, percent_d)
    for row in range(len(close)):
        bottom, reach = percent_d[row], moved(percent_k[row], percent_d[row])
        percent_k[row] = (
            0.0 * close[row] if reach == 0.0 else 100.0 * ((close[row] - bottom) / reach)
        )
    window_mean(percent_k, smooth, state[2 * fast : 2 * fast + smooth], work, percent_k)
    window_mean(percent_k, signal, state[2 * fast + smooth :], work, percent_d)
    for row in range(len(close)):
        percent_k[row] = (
            percent_k[row] if percent_d[row] == percent_d[row] else np.nan
        )  # both start together
