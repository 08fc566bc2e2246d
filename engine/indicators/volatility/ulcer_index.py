"""Ulcer index."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.peak import window_highest
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 2 * period - 1


@register(
    inputs=("close",),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def ulcer_index(values, period, state, work, out):
    """Ulcer index: root of the mean square, over `period` rows, of the fall in percent from the
    highest of the last `period` values.

    Peter Martin and Byron McCann (1989). NaN: while it is in a window. Flat: 0. Too short: NaN.
    """
    window_highest(values, period, state[:period], work, out)
    for row in range(len(out)):
        fall = 100.0 * (values[row] / out[row] - 1.0)
        out[row] = fall * fall
    window_mean(out, period, state[period:], work, out)
    for row in range(len(out)):
        out[row] = np.sqrt(out[row])
