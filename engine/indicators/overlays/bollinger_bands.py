"""Bollinger Bands."""

import numpy as np

from engine.compute.shared.moments import window_moments
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int, width: float) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int, width: float) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 20, 2), Param("width", 2.0, 0.0)),
    outputs=("upper", "middle", "lower", "bandwidth", "percent_b"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def bollinger_bands(values, period, width, state, work, upper, middle, lower, bandwidth, percent_b):
    """Bollinger Bands: the simple moving average plus and minus `width` population standard
    deviations.

    John Bollinger, Bollinger on Bollinger Bands (2001). bandwidth = (upper - lower) / middle;
    percent_b = (value - lower) / (upper - lower). NaN: while it is in the window. Flat: the bands
    meet, bandwidth is 0, percent_b NaN. Too short: NaN.
    """
    window_moments(values, period, state, work, middle, upper)
    for row in range(len(values)):
        reach = width * np.sqrt(upper[row] / period)
        upper[row] = middle[row] + reach
        lower[row] = middle[row] - reach
        bandwidth[row] = 2.0 * reach / middle[row] if middle[row] != 0.0 else np.nan
        percent_b[row] = (values[row] - lower[row]) / (2.0 * reach) if reach > 0.0 else np.nan
