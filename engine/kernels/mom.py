"""Momentum."""

from engine.kernels.jit import kernel
from engine.kernels.shared.past import keep_past, past_size, past_values


def state_size(period: int) -> int:
    """The values before."""
    return past_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
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
