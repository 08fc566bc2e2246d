"""Normalized average true range."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import wilder_next


def state_size(period: int) -> int:
    """Length of the state."""
    return 4


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@kernel
def natr(high, low, close, period, state, out):
    """Normalized average true range: Wilder's ATR in percent of the close, as TA-Lib's NATR.

    NaN in any: NaN at that row, which is otherwise passed over. Flat: 0. A close of 0: NaN. Too short: NaN.
    """
    for row in range(len(close)):
        if np.isnan(high[row] - low[row] + close[row]):
            out[row] = np.nan
            continue
        average = np.nan
        if state[0] > 0.0:
            reach = max(high[row], state[1]) - min(low[row], state[1])
            average = wilder_next(reach, period, state[2:])
        state[0], state[1] = 1.0, close[row]
        out[row] = 100.0 * average / close[row] if close[row] != 0.0 else np.nan
