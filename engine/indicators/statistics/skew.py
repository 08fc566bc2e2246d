"""Skewness."""

import numpy as np

from engine.compute.shared.moments import window_moments
from engine.compute.shared.scratch import take, take_zeros
from engine.compute.shared.window_past import window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 20, 3),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def skew(values, period, state, work, out):
    """Skewness (population, not corrected for bias) of the last `period` values, about their mean.

    NaN: while it is in the window. Flat: NaN. Too short: NaN.
    """
    rows = len(out)
    joined = with_past(values, period - 1, state[:period], work)
    means, squares, cubes = take(rows, work), take(rows, work), take_zeros(rows, work)
    window_moments(values, period, state[period:], work, means, squares)
    for i in range(period):
        later = joined[i : i + rows]
        for row in range(rows):
            apart = later[row] - means[row]
            cubes[row] += apart * apart * apart
    for row in range(rows):
        out[row] = (
            cubes[row] / period / (squares[row] / period) ** 1.5 if squares[row] > 0.0 else np.nan
        )
