"""Triple exponential moving average."""

from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget, smooth_thrice
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Three averages."""
    return 6


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 3 * (period - 1) + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + 4 * rows_to_forget(2.0 / (period + 1))


@register(
    inputs=("close",),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def tema(values, period, state, work, out):
    """Triple exponential moving average: 3 * EMA - 3 * EMA of EMA + EMA of that.

    Patrick Mulloy (1994); as TA-Lib's TEMA. NaN: NaN at that row, which is otherwise passed over.
    Flat: the value. Too short: NaN.
    """
    once, twice = take(len(out), work), take(len(out), work)
    smooth_thrice(values, period, 2.0 / (period + 1.0), state, once, twice, out)
    for row in range(len(out)):
        out[row] += 3.0 * (once[row] - twice[row])
