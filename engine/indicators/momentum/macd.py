"""Moving average convergence divergence."""

import numpy as np

from engine.compute.shared.fma import fma
from engine.compute.shared.smooth import mean_next, rows_to_forget, shares
from engine.indicators.register import Param, register


def state_size(fast: int, slow: int, signal: int) -> int:
    """count, fast average, slow average, signal average (before their first value: the means so
    far).
    """
    return 4


def warmup(fast: int, slow: int, signal: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow) + signal - 1


def settle(fast: int, slow: int, signal: int) -> int:
    """Rows until the seeds' weight is below 1e-9: the slow average's, then once more the signal's
    on top of it.
    """
    slowest = max(fast, slow)
    return (
        warmup(fast, slow, signal)
        + rows_to_forget(2.0 / (slowest + 1))
        + rows_to_forget(2.0 / (signal + 1))
    )


@register(
    inputs=("close",),
    params=(Param("fast", 12, 2), Param("slow", 26, 2), Param("signal", 9, 1)),
    outputs=("macd", "signal", "histogram"),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def macd(values, fast, slow, signal, state, line, signal_line, histogram):
    """Moving average convergence divergence: line = EMA(fast) - EMA(slow); signal = EMA of the
    line; histogram = both apart.

    Gerald Appel (1979). Both averages are seeded so that they start at the slow one's first value,
    each with the mean of its last values, and all outputs start with the signal, as TA-Lib's MACD.
    NaN: NaN at that row, which is otherwise passed over. Flat: 0. Too short: NaN.
    """
    count, quick, late, smooth = state[0], state[1], state[2], state[3]
    quick_taken, quick_rest = shares(2.0 / (fast + 1.0))
    late_taken, late_rest = shares(2.0 / (slow + 1.0))
    smooth_taken, smooth_rest = shares(2.0 / (signal + 1.0))
    start = max(fast, slow)
    ready = start + signal - 1
    for row in range(len(values)):
        value = values[row]
        line[row] = signal_line[row] = histogram[row] = np.nan
        if value != value:
            continue
        count += 1.0
        if count > start:
            quick = fma(quick, quick_rest, value * quick_taken)
            late = fma(late, late_rest, value * late_taken)
        else:
            if count > start - fast:
                quick = mean_next(quick, value, count - (start - fast))
            if count > start - slow:
                late = mean_next(late, value, count - (start - slow))
        if count < start:
            continue
        apart = quick - late
        if count > ready:
            smooth = fma(smooth, smooth_rest, apart * smooth_taken)
        else:
            smooth = mean_next(smooth, apart, count - start + 1)
        if count >= ready:
            line[row], signal_line[row], histogram[row] = apart, smooth, apart - smooth
    state[0], state[1], state[2], state[3] = count, quick, late, smooth
