"""Double exponential moving average."""

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next


def state_size(period: int) -> int:
    """Length of the state."""
    return 4


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 2 * (period - 1) + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + 3 * rows_to_forget(2.0 / (period + 1))


@kernel
def dema(values, period, state, out):
    """Double exponential moving average: 2 * EMA - EMA of EMA.

    Patrick Mulloy, Technical Analysis of Stocks & Commodities (1994); as TA-Lib's DEMA. NaN: NaN at that row, which is otherwise
    passed over. Flat: the value. Too short: NaN.
    """
    for row in range(len(values)):
        once = ema_next(values[row], period, state[0:2])
        out[row] = 2.0 * once - ema_next(once, period, state[2:4])
