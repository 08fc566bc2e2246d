"""Momentum."""

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
def mom(values, period, state, out):
    """Momentum: value - value `period` rows before, as TA-Lib's MOM.

    NaN: at that row and `period` rows later. Flat: 0. Too short: NaN.
    """
    past = past_values(period, state)
    for row in range(min(period, len(values))):
        out[row] = values[row] - past[row]
    late, tail = (
        values[period:],
        out[period:],
    )  # no index can be negative in them, so the loop becomes vector code
    for row in range(len(late)):
        tail[row] = late[row] - values[row]
    keep_past(values, past)
