"""Pre-market range and volume."""

import numpy as np

from engine.indicators.register import register


def state_size() -> int:
    """session, highest, lowest, volume."""
    return 4


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


@register(
    inputs=("high", "low", "volume", "minute", "session"),
    outputs=("high", "low", "volume"),
    state_size=state_size,
    warmup=warmup,
    of_session=True,
)
def premarket(high, low, volume, minute, session, state, top, bottom, total):
    """Highest high, lowest low and volume of the session's bars before regular hours: so far while
    they go on, and all of them afterwards.

    Needs extended hours to be seen. NaN in any: NaN at that row, which is otherwise passed over.
    Flat: the price. No bar before the open: high and low are NaN, the volume is 0. Too short: NaN.
    """
    current, highest, lowest, shares = state[0], state[1], state[2], state[3]
    for row in range(len(top)):
        if session[row] != current:
            current, highest, lowest, shares = session[row], -np.inf, np.inf, 0.0
        if np.isnan(high[row] + low[row] + volume[row]):
            top[row] = bottom[row] = total[row] = np.nan
            continue
        if minute[row] < 0.0:
            highest, lowest, shares = (
                max(highest, high[row]),
                min(lowest, low[row]),
                shares + volume[row],
            )
        top[row], bottom[row] = (highest, lowest) if highest >= lowest else (np.nan, np.nan)
        total[row] = shares
    state[0], state[1], state[2], state[3] = current, highest, lowest, shares
