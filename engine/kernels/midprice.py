"""Midpoint price."""

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
def midprice(high, low, period, state, out):
    """Midpoint price: (highest high + lowest low) / 2 of the last `period` bars, as TA-Lib's MIDPRICE.

    NaN in either: while it is in the window. Flat: the price. Too short: NaN.
    """
    half = 4 + 2 * period
    for row in range(len(high)):
        top = peak_next(high[row], period, state[:half])
        out[row] = (top - peak_next(-low[row], period, state[half:])) / 2.0
