"""Coppock curve."""

import numpy as np

from engine.compute.shared.weighted import weighted_size, window_weighted_mean
from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import Param, register


def state_size(long: int, short: int, period: int) -> int:
    """Two values before; the weighted mean's."""
    return past_size(long) + past_size(short) + weighted_size(period)


def warmup(long: int, short: int, period: int) -> int:
    """Rows up to and including the first value."""
    return max(long, short) + period


@register(
    inputs=("close",),
    params=(Param("long", 14, 1), Param("short", 11, 1), Param("period", 10, 1)),
    state_size=state_size,
    warmup=warmup,
)
def coppock(values, long, short, period, state, work, out):
    """Coppock curve: WMA(period) of the rates of change in percent over `long` and `short` rows
    together.

    Edwin Coppock, Barron's (1962). NaN: while it is in a window. Flat: 0. A value of 0 before: NaN.
    Too short: NaN.
    """
    far = with_past(values, long, state[: 1 + long], work)
    near = with_past(values, short, state[1 + long : 2 + long + short], work)
    for row in range(len(out)):
        known = far[row] != 0.0 and near[row] != 0.0
        out[row] = (
            100.0 * (values[row] / far[row] + values[row] / near[row] - 2.0) if known else np.nan
        )
    window_weighted_mean(out, period, state[2 + long + short :], out)
