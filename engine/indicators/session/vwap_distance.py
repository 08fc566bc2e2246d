"""Distance from the VWAP."""

import numpy as np

from engine.compute.shared.ranges import AVERAGE_RANGE_SIZE, average_true_range
from engine.compute.shared.rounding import moved
from engine.compute.shared.scratch import take
from engine.compute.shared.session_vwap import SESSION_VWAP_SIZE, session_vwap
from engine.compute.shared.smooth import rows_to_forget
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The VWAP's; average true range."""
    return SESSION_VWAP_SIZE + AVERAGE_RANGE_SIZE


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@register(
    inputs=("high", "low", "close", "volume", "session", "regular"),
    params=(Param("period", 14, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
    of_session=True,
)
def vwap_distance(high, low, close, volume, session, regular, period, state, work, out):
    """Distance from the session's VWAP in average true ranges: (close - VWAP) / ATR(period), both
    of the same bars.

    VWAP as `vwap`, ATR Wilder's. NaN in any: NaN at that row, which is otherwise passed over. Flat
    (no range): NaN. No volume yet: NaN. Too short: NaN.
    """
    average = take(len(out), work)
    session_vwap(high, low, close, volume, session, regular, state[:SESSION_VWAP_SIZE], average)
    average_true_range(high, low, close, period, state[SESSION_VWAP_SIZE:], out)
    for row in range(len(out)):
        out[row] = moved(close[row], average[row]) / out[row] if out[row] > 0.0 else np.nan
