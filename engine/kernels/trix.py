"""Trix."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next


def state_size(period: int) -> int:
    """Length of the state."""
    return 8


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 3 * (period - 1) + 1 + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + 4 * rows_to_forget(2.0 / (period + 1))


@kernel
def trix(values, period, state, out):
    """Trix: change in percent of a triple exponential moving average from row to row.

    Jack Hutson, Technical Analysis of Stocks & Commodities (1983); as TA-Lib's TRIX. NaN: NaN at that row, which is
    otherwise passed
    over. Flat: 0. Too short: NaN.
    """
    for row in range(len(values)):
        once = ema_next(values[row], period, state[0:2])
        smooth = ema_next(ema_next(once, period, state[2:4]), period, state[4:6])
        if smooth != smooth:
            out[row] = np.nan
            continue
        out[row] = 100.0 * (smooth / state[7] - 1.0) if state[6] > 0.0 and state[7] != 0.0 else np.nan
        state[6], state[7] = 1.0, smooth
