"""Awesome oscillator."""

from engine.kernels.jit import kernel
from engine.kernels.shared.mean import window_mean
from engine.kernels.shared.past import window_size
from engine.kernels.shared.work import take


def state_size(fast: int, slow: int) -> int:
    """Two windows' past."""
    return window_size(fast) + window_size(slow)


def warmup(fast: int, slow: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow)


def window(fast: int, slow: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(fast, slow)


@kernel
def awesome_oscillator(high, low, fast, slow, state, work, out):
    """Awesome oscillator: SMA(fast) - SMA(slow) of (high + low) / 2.

    Bill Williams, New Trading Dimensions (1998). NaN in either: while it is in a window. Flat: 0. Too short: NaN.
    """
    middle = take(len(out), work)
    for row in range(len(out)):
        middle[row] = (high[row] + low[row]) / 2.0
    window_mean(middle, fast, state[:fast], work, out)
    window_mean(middle, slow, state[fast:], work, middle)
    for row in range(len(out)):
        out[row] -= middle[row]
