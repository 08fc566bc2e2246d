"""Rate of change."""

import numpy as np

from engine.compute.shared.window_past import keep_past, past_size, past_values
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The values before."""
    return past_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("close",),
    params=(Param("period", 10, 1),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def roc(values, period, state, out):
    """Rate of change in percent: 100 * (value / value `period` rows before - 1), as TA-Lib's ROC.

    NaN: at that row and `period` rows later. Flat: 0. A value of 0 before: NaN. Too short: NaN.
    """
    past = past_values(period, state)
    for row in range(min(period, len(values))):
        out[row] = 100.0 * (values[row] / past[row] - 1.0) if past[row] != 0.0 else np.nan
    late, tail = (
        values[period:],
        out[period:],
    )  # no index can be negative in them, so the loop becomes vector code
    for row in range(len(late)):
        tail[row] = 100.0 * (late[row] / values[row] - 1.0) if values[row] != 0.0 else np.nan
    keep_past(values, past)
