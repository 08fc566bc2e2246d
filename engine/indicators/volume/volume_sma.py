"""Simple moving average."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("volume",),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def volume_sma(volume, period, state, work, out):
    """Simple moving average: the mean of the last `period` values, as TA-Lib's SMA.

    NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    window_mean(volume, period, state, work, out)
