"""Skewness."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.moments import window_moments
from engine.kernels.shared.past import window_size, with_past
from engine.kernels.shared.work import take, take_zeros


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
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
