"""Simple moving average."""

from engine.kernels.jit import kernel
from engine.kernels.shared.mean import window_mean
from engine.kernels.shared.past import window_size


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
def sma(values, period, state, work, out):
    """Simple moving average: the mean of the last `period` values, as TA-Lib's SMA.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    window_mean(values, period, state, work, out)
