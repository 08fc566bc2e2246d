"""Detrended price oscillator."""

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, ring_size, sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return window_size(period) + ring_size(period // 2 + 1)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return max(period, period // 2 + 2)


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def dpo(values, period, state, out):
    """Detrended price oscillator: the value period // 2 + 1 rows before - SMA(period) of now, which needs no later rows.

    NaN: while it is in the window. Flat: 0. Too short: NaN.
    """
    split = 4 + 2 * period
    for row in range(len(values)):
        before = before_next(values[row], period // 2 + 1, state[split:])
        out[row] = before - sum_next(values[row], period, state[:split]) / period
