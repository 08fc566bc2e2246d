"""Volume-weighted average price of the session so far."""

import numpy as np

from engine.compute.shared.rounding import between, typical
from engine.runtime.jit import njit

SESSION_VWAP_SIZE = 5


@njit
def session_vwap(high, low, close, volume, session, regular, state, out):
    """Write sum(typical x volume) / sum(volume) over the session's regular bars so far.

    Kept between the least and the greatest typical price that had volume, so that rounding cannot
    take it out of the range of what it averages: equal prices give that price to the last bit.
    state (5): session, turnover, volume, least and greatest typical price NaN in a price or volume:
    NaN at that row, which is otherwise passed over. No volume yet: NaN.
    """
    current, turnover, total, least, greatest = state[0], state[1], state[2], state[3], state[4]
    for row in range(len(close)):
        if session[row] != current:
            current, turnover, total, least, greatest = session[row], 0.0, 0.0, np.inf, -np.inf
        price = typical(high[row], low[row], close[row])
        amount = price * volume[row]
        if amount != amount:
            out[row] = np.nan
            continue
        if regular[row] > 0.0 and volume[row] > 0.0:
            least, greatest = min(least, price), max(greatest, price)
            turnover += amount
            total += volume[row]
        out[row] = between(turnover / total, least, greatest) if total > 0.0 else np.nan
    state[0], state[1], state[2], state[3], state[4] = current, turnover, total, least, greatest
