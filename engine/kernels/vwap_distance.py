"""Distance from the VWAP."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.ranges import AVERAGE_RANGE_SIZE, average_true_range
from engine.kernels.shared.smooth import rows_to_forget


def state_size(period: int) -> int:
    """session, turnover, volume; average true range."""
    return 3 + AVERAGE_RANGE_SIZE


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@kernel
def vwap_distance(high, low, close, volume, session, regular, period, state, out):
    """Distance from the session's VWAP in average true ranges: (close - VWAP) / ATR(period), both of the same bars.

    VWAP as `vwap`, ATR Wilder's. NaN in any: NaN at that row, which is otherwise passed over. Flat (no range): NaN. No volume
    yet: NaN. Too short: NaN.
    """
    average_true_range(high, low, close, period, state[3:], out)
    current, turnover, total = state[0], state[1], state[2]
    for row in range(len(out)):
        if session[row] != current:
            current, turnover, total = session[row], 0.0, 0.0
        amount = (high[row] + low[row] + close[row]) / 3.0 * volume[row]
        if regular[row] > 0.0 and amount == amount:
            turnover += amount
            total += volume[row]
        known = total > 0.0 and out[row] > 0.0 and amount == amount
        out[row] = (close[row] - turnover / total) / out[row] if known else np.nan
    state[0], state[1], state[2] = current, turnover, total
