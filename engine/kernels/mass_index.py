"""Mass index."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next, sum_next, window_size


def state_size(period: int, total: int) -> int:
    """Length of the state."""
    return 4 + window_size(total)


def warmup(period: int, total: int) -> int:
    """Rows up to and including the first value."""
    return 2 * period + total - 2


def settle(period: int, total: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, total) + 2 * rows_to_forget(2.0 / (period + 1))


@kernel
def mass_index(high, low, period, total, state, out):
    """Mass index: sum over `total` bars of EMA(high - low) / EMA of that EMA, both over `period` bars.

    Donald Dorsey, Technical Analysis of Stocks & Commodities (1992). NaN in either: NaN at that row, which is otherwise
    passed over.
    Flat: NaN while the averages are 0. Too short: NaN.
    """
    for row in range(len(high)):
        out[row] = np.nan
        once = ema_next(high[row] - low[row], period, state[:2])
        twice = ema_next(once, period, state[2:4])
        if twice > 0.0:
            out[row] = sum_next(once / twice, total, state[4:])
