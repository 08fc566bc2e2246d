"""Distance from the VWAP."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.prices import moved
from engine.kernels.shared.ranges import AVERAGE_RANGE_SIZE, average_true_range
from engine.kernels.shared.session_vwap import SESSION_VWAP_SIZE, session_vwap
from engine.kernels.shared.smooth import rows_to_forget
from engine.kernels.shared.work import take


def state_size(period: int) -> int:
    """The VWAP's; average true range."""
    return SESSION_VWAP_SIZE + AVERAGE_RANGE_SIZE


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@kernel
def vwap_distance(high, low, close, volume, session, regular, period, state, work, out):
    """Distance from the session's VWAP in average true ranges: (close - VWAP) / ATR(period), both of the same bars.

    VWAP as `vwap`, ATR Wilder's. NaN in any: NaN at that row, which is otherwise passed over. Flat (no range): NaN. No volume
    yet: NaN. Too short: NaN.
    """
    average = take(len(out), work)
    session_vwap(high, low, close, volume, session, regular, state[:SESSION_VWAP_SIZE], average)
    average_true_range(high, low, close, period, state[SESSION_VWAP_SIZE:], out)
    for row in range(len(out)):
        out[row] = moved(close[row], average[row]) / out[row] if out[row] > 0.0 else np.nan
