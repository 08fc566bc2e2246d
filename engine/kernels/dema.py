"""Double exponential moving average."""

from engine.kernels.jit import kernel
from engine.kernels.shared.smooth import rows_to_forget, smooth
from engine.kernels.shared.work import take


def state_size(period: int) -> int:
    """Two averages."""
    return 4


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 2 * (period - 1) + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + 3 * rows_to_forget(2.0 / (period + 1))


@kernel
def dema(values, period, state, work, out):
    """Double exponential moving average: 2 * EMA - EMA of EMA.

    Patrick Mulloy, Technical Analysis of Stocks & Commodities (1994); as TA-Lib's DEMA. NaN: NaN at that row, which is otherwise
    passed over. Flat: the value. Too short: NaN.
    """
    weight, twice = 2.0 / (period + 1.0), take(len(out), work)
    smooth(values, period, weight, state[:2], out)
    smooth(out, period, weight, state[2:], twice)
    for row in range(len(out)):
        out[row] = 2.0 * out[row] - twice[row]
