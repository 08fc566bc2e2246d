"""Average dollar volume."""

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def average_dollar_volume(close, volume, period, state, out):
    """Average dollar volume: mean of close * volume over the last `period` bars; at 1d, what liquidity filters ask for.

    NaN in either: while it is in the window. Flat: as volume has it. Zero volume: the bar counts 0. Too short: NaN.
    """
    for row in range(len(close)):
        out[row] = sum_next(close[row] * volume[row], period, state) / period
