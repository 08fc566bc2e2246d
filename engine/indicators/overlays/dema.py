"""Double exponential moving average."""

from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two averages."""
    return 4


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 2 * (period - 1) + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + 3 * rows_to_forget(2.0 / (period + 1))


@register(
    inputs=("close",),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def dema(values, period, state, work, out):
    """Double exponential moving average: 2 * EMA - EMA of EMA.

    Patrick Mulloy, Technical Analysis of Stocks & Commodities (1994); as TA-Lib's DEMA. NaN: NaN at
    that row, which is otherwise passed over. Flat: the value. Too short: NaN.
    """
    weight, twice = 2.0 / (period + 1.0), take(len(out), work)
    smooth(values, period, weight, state[:2], out)
    smooth(out, period, weight, state[2:], twice)
    for row in range(len(out)):
        out[row] = 2.0 * out[row] - twice[row]
