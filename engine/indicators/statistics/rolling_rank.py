"""Rolling rank."""

from engine.compute.shared.scratch import take_zeros
from engine.compute.shared.window_past import window_size, with_past
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
def rolling_rank(values, period, state, work, out):
    """Rank of the value among the last `period` ones, itself included: the share of them that are
    at most it, 0 to 1.

    NaN: while it is in the window. Flat: 1. Too short: NaN.
    """
    joined, rows = with_past(values, period - 1, state, work), len(out)
    below = take_zeros(rows, work)
    for i in range(period):
        later = joined[i : i + rows]
        for row in range(rows):
            below[row] += (1.0 if later[row] <= values[row] else 0.0) + 0.0 * later[row]
    for row in range(rows):
        out[row] = below[row] / period
