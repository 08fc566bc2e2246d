"""Bars above or below the VWAP."""

import numpy as np

from engine.kernels.jit import kernel


def state_size() -> int:
    """session, turnover, volume, streak, the one before."""
    return 5


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


def settle() -> int:
    """Rows after which what was before does not matter."""
    return 1


@kernel
def vwap_streak(high, low, close, volume, session, regular, state, streak, before):
    """How many bars in a row closed above the session's VWAP (positive) or below it (negative), and how long the streak before
    was; 0 before the first turn.

    VWAP as `vwap`, of the bar's own included; a close at the VWAP goes on with the streak. NaN in any, and outside regular
    hours: NaN at that row, which is otherwise passed over. Flat: 0. No volume yet: NaN. Too short: it has a value from the
    session's first regular bar.
    """
    current, turnover, total, run, last_run = state[0], state[1], state[2], state[3], state[4]
    for row in range(len(streak)):
        if session[row] != current:
            current, turnover, total, run, last_run = session[row], 0.0, 0.0, 0.0, 0.0
        amount = (high[row] + low[row] + close[row]) / 3.0 * volume[row]
        streak[row] = before[row] = np.nan
        if regular[row] == 0.0 or amount != amount:
            continue
        turnover += amount
        total += volume[row]
        if total == 0.0:
            continue
        apart = close[row] - turnover / total
        side = 1.0 if apart > 0.0 else -1.0 if apart < 0.0 else 1.0 if run > 0.0 else -1.0 if run < 0.0 else 0.0
        if side * run < 0.0:
            last_run, run = run, 0.0
        run += side
        streak[row], before[row] = run, last_run
    state[0], state[1], state[2], state[3], state[4] = current, turnover, total, run, last_run
