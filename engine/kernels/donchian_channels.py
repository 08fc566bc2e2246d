"""Donchian channels."""

from engine.kernels.jit import kernel
from engine.kernels.steps import peak_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def donchian_channels(high, low, period, state, upper, middle, lower):
    """Donchian channels: highest high, lowest low, and their middle, of the last `period` bars, the latest among them.

    Richard Donchian. NaN in either: while it is in the window. Flat: the price. Too short: NaN.
    """
    half = 4 + 2 * period
    for row in range(len(high)):
        upper[row] = peak_next(high[row], period, state[:half])
        lower[row] = -peak_next(-low[row], period, state[half:])
        middle[row] = (upper[row] + lower[row]) / 2.0
