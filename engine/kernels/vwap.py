"""Volume-weighted average price of the session."""

import numpy as np

from engine.kernels.jit import kernel


def state_size() -> int:
    """session, sum of price x volume, sum of volume."""
    return 3


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


def settle() -> int:
    """Starts anew every session."""
    return 1


@kernel
def vwap(high, low, close, volume, session, regular, state, out):
    """Volume-weighted average price of the session's regular bars so far: sum(typical x volume) / sum(volume).

    typical = (high + low + close) / 3. Bars outside regular hours are not counted. NaN in a price or volume: NaN at that
    row, which is otherwise passed over. Flat: the price. No volume yet: NaN.
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
