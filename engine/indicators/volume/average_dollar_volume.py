"""Average dollar volume."""

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
    inputs=("close", "volume"),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def average_dollar_volume(close, volume, period, state, work, out):
    """Average dollar volume: mean of close * volume over the last `period` bars; at 1d, what
    liquidity filters ask for.

    NaN in either: while it is in the window. Flat: as volume has it. Zero volume: the bar counts 0.
    Too short: NaN.
    """
    for row in range(len(out)):
        out[row] = close[row] * volume[row]
    window_mean(out, period, state, work, out)
