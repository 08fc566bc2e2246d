"""Awesome oscillator."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(fast: int, slow: int) -> int:
    """Two windows' past."""
    return window_size(fast) + window_size(slow)


def warmup(fast: int, slow: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow)


@register(
    inputs=("high", "low"),
    params=(Param("fast", 5, 1), Param("slow", 34, 1)),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def awesome_oscillator(high, low, fast, slow, state, work, out):
    """Awesome oscillator: SMA(fast) - SMA(slow) of (high + low) / 2.

    Bill Williams, New Trading Dimensions (1998). NaN in either: while it is in a window. Flat: 0.
    Too short: NaN.
    """
    middle = take(len(out), work)
    for row in range(len(out)):
        middle[row] = (high[row] + low[row]) / 2.0
    window_mean(middle, fast, state[:fast], work, out)
    window_mean(middle, slow, state[fast:], work, middle)
    for row in range(len(out)):
        out[row] -= middle[row]
