"""Awesome oscillator."""

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(fast: int, slow: int) -> int:
    """Length of the state."""
    return window_size(fast) + window_size(slow)


def warmup(fast: int, slow: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow)


def settle(fast: int, slow: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(fast, slow)


@kernel
def awesome_oscillator(high, low, fast, slow, state, out):
    """Awesome oscillator: SMA(fast) - SMA(slow) of (high + low) / 2.

    Bill Williams, New Trading Dimensions (1998). NaN in either: while it is in a window. Flat: 0. Too short: NaN.
    """
    split = 4 + 2 * fast
    for row in range(len(high)):
        middle = (high[row] + low[row]) / 2.0
        quick = sum_next(middle, fast, state[:split]) / fast
        out[row] = quick - sum_next(middle, slow, state[split:]) / slow
