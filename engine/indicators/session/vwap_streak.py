"""Bars above or below the VWAP."""

import numpy as np

from engine.compute.shared.rounding import moved
from engine.compute.shared.scratch import take
from engine.compute.shared.session_vwap import SESSION_VWAP_SIZE, session_vwap
from engine.indicators.register import register


def state_size() -> int:
    """The VWAP's; session, streak, the one before."""
    return SESSION_VWAP_SIZE + 3


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


@register(
    inputs=("high", "low", "close", "volume", "session", "regular"),
    outputs=("streak", "before"),
    state_size=state_size,
    warmup=warmup,
    of_session=True,
)
def vwap_streak(high, low, close, volume, session, regular, state, work, streak, before):
    """How many bars in a row closed above the session's VWAP (positive) or below it (negative), and
    how long the streak before was; 0 before the first turn.

    VWAP as `vwap`, of the bar's own included; a close at the VWAP, or apart from it by rounding
    alone, goes on with the streak. NaN in any, and outside regular hours: NaN at that row, which is
    otherwise passed over. Flat: 0. No volume yet: NaN. Too short: it has a value from the session's
    first regular bar.
    """
    average = take(len(streak), work)
    session_vwap(high, low, close, volume, session, regular, state[:SESSION_VWAP_SIZE], average)
    current, run, last_run = state[-3], state[-2], state[-1]
    for row in range(len(streak)):
        if session[row] != current:
            current, run, last_run = session[row], 0.0, 0.0
        apart = moved(close[row], average[row])
        streak[row] = before[row] = np.nan
        if regular[row] == 0.0 or apart != apart:
            continue
        side = (
            1.0
            if apart > 0.0
            else -1.0
            if apart < 0.0
            else 1.0
            if run > 0.0
            else -1.0
            if run < 0.0
            else 0.0
        )
        if side * run < 0.0:
            last_run, run = run, 0.0
        run += side
        streak[row], before[row] = run, last_run
    state[-3], state[-2], state[-1] = current, run, last_run
