"""Volume-weighted average price of the session so far."""

import numpy as np

from engine.runtime.jit import njit

SESSION_VWAP_SIZE = 3


@njit
def session_vwap(high, low, close, volume, session, regular, state, out):
    """Write sum(typical x volume) / sum(volume) over the session's regular bars so far. state (3): session, turnover, volume.

    NaN in a price or volume: NaN at that row, which is otherwise passed over. No volume yet: NaN.
    """
    current, turnover, total = state[0], state[1], state[2]
    for row in range(len(close)):
        if session[row] != current:
            current, turnover, total = session[row], 0.0, 0.0
        amount = (high[row] + low[row] + close[row]) / 3.0 * volume[row]
        if amount != amount:
            out[row] = np.nan
            continue
        if regular[row] > 0.0:
            turnover += amount
            total += volume[row]
        out[row] = turnover / total if total > 0.0 else np.nan
    state[0], state[1], state[2] = current, turnover, total
