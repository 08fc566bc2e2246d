"""Detrended price oscillator."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The window's past; the values before."""
    return window_size(period) + past_size(period // 2 + 1)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return max(period, period // 2 + 2)


@register(
    inputs=("close",),
    params=(Param("period", 20, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def dpo(values, period, state, work, out):
    """Detrended price oscillator: the value period // 2 + 1 rows before - SMA(period) of now, which
    needs no later rows.

    NaN: while it is in the window. Flat: 0. Too short: NaN.
    """
    before = with_past(values, period // 2 + 1, state[period:], work)
    window_mean(values, period, state[:period], work, out)
    for row in range(len(out)):
        out[row] = before[row] - out[row]
