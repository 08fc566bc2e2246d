"""Normalized average true range."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget


def state_size(period: int) -> int:
    """Length of the state."""
    return 3


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
    count, last, average = state[0], state[1], state[2]
    weight = 1.0 / period
    rest = 1.0 - weight
    for row in range(len(close)):
        if np.isnan(high[row] - low[row] + close[row]):
            out[row] = np.nan
            continue
        if count > 0.0:
            true_range = max(high[row], last) - min(low[row], last)
            if count > period:
                average = average * rest + true_range * weight
            else:
                average += true_range
                if count == period:
                    average *= weight
        last = close[row]
        count += 1.0
        out[row] = 100.0 * average / last if count > period and last != 0.0 else np.nan
    state[0], state[1], state[2] = count, last, average
