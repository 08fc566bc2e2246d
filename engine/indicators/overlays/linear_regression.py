"""Linear regression."""

import numpy as np

from engine.compute.shared.moments import window_moments
from engine.compute.shared.weighted import weighted_size, window_weighted_mean
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The window's past; the weighted mean's."""
    return window_size(period) + weighted_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 14, 2),),
    outputs=("value", "slope", "r2"),
    state_size=state_size,
    warmup=warmup,
)
def linear_regression(values, period, state, work, value, slope, r2):
    """Least-squares line through the last `period` values against their row: its value at the last
    row, its slope a row, and r squared.

    As TA-Lib's LINEARREG and LINEARREG_SLOPE. NaN: while it is in the window. Flat: the value,
    slope 0, r2 NaN. Too short: NaN.
    """
    window_moments(values, period, state[:period], work, value, r2)
    window_weighted_mean(values, period, state[period:], slope)
    spread = period * (period * period - 1.0) / 12.0  # sum of squared deviations of 0 .. period - 1
    half = period * (period + 1.0) / 2.0
    for row in range(len(values)):
        slope[row] = (slope[row] - value[row]) * half / spread if r2[row] != 0.0 else 0.0
        value[row] += slope[row] * (period - 1.0) / 2.0
        r2[row] = min(1.0, slope[row] * slope[row] * spread / r2[row]) if r2[row] > 0.0 else np.nan
