"""Z-score."""

import numpy as np

from engine.compute.shared.moments import window_moments
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 20, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def zscore(values, period, state, work, out):
    """Z-score: (value - mean) / population standard deviation of the last `period` values.

    NaN: while it is in the window. Flat: NaN. Too short: NaN.
    """
    means, squares = take(len(out), work), take(len(out), work)
    window_moments(values, period, state, work, means, squares)
    for row in range(len(out)):
        out[row] = (
            (values[row] - means[row]) / np.sqrt(squares[row] / period)
            if squares[row] > 0.0
            else np.nan
        )
