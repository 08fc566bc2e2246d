"""Opening range."""

import numpy as np

from engine.indicators.register import Param, register


def state_size(minutes: int) -> int:
    """session, highest, lowest."""
    return 3


def warmup(minutes: int) -> int:
    """Rows up to and including the first value."""
    return 1


def known_after(minutes: int) -> int:
    """Minutes after the session's open from which it is known."""
    return minutes


@register(
    inputs=("high", "low", "minute", "session"),
    params=(Param("minutes", 5, 1, 1440),),
    outputs=("high", "low"),
    state_size=state_size,
    warmup=warmup,
    known_after=known_after,
    of_session=True,
)
def opening_range(high, low, minute, session, minutes, state, upper, lower):
    """Opening range: highest high and lowest low of the bars that start in the first `minutes` of
    regular hours.

    Toby Crabel (1990). In a scan it has no value until those minutes are over; on rows of bars it
    is the range so far while it forms. NaN in either: NaN at that row, which is otherwise passed
    over. Flat: the price. No bar in it: NaN. Too short: NaN.
    """
    current, top, bottom = state[0], state[1], state[2]
    for row in range(len(upper)):
        if session[row] != current:
            current, top, bottom = session[row], -np.inf, np.inf
        if 0.0 <= minute[row] < minutes and high[row] == high[row] and low[row] == low[row]:
            top, bottom = max(top, high[row]), min(bottom, low[row])
        known = top >= bottom and minute[row] >= 0.0 and not np.isnan(high[row] + low[row])
        upper[row], lower[row] = (top, bottom) if known else (np.nan, np.nan)
    state[0], state[1], state[2] = current, top, bottom
