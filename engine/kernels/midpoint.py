"""Midpoint."""

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
def midpoint(values, period, state, out):
    """Midpoint: (highest + lowest) / 2 of the last `period` values, as TA-Lib's MIDPOINT.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    half = 4 + 2 * period
    for row in range(len(values)):
        high = peak_next(values[row], period, state[:half])
        out[row] = (high - peak_next(-values[row], period, state[half:])) / 2.0
