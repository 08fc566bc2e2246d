"""Fisher transform."""

import numpy as np

from engine.compute.shared.peak import window_highest, window_lowest
from engine.compute.shared.rounding import moved
from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Whether there is a value, x, fisher; two windows' past."""
    return 3 + 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(0.33) + rows_to_forget(0.5)


@register(
    inputs=("high", "low"),
    params=(Param("period", 10, 2),),
    outputs=("fisher", "signal"),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def fisher(high, low, period, state, work, fisher, signal):
    """Fisher transform: of the middle (high + low) / 2 within its range of `period` bars, scaled to
    -1 .. 1 and smoothed (x = 0.33 * 2 * (place - 0.5) + 0.67 * x, kept within 0.999), fisher = 0.5
    * ln((1 + x) / (1 - x)) + 0.5 * last fisher; signal is the last fisher.

    John Ehlers, Technical Analysis of Stocks & Commodities (2002). NaN in either: while it is in
    the window; the state waits. Flat: the place counts as the middle of the range. Too short: NaN.
    """
    middle = take(len(high), work)
    for row in range(len(high)):
        middle[row] = (high[row] + low[row]) / 2.0
    window_highest(middle, period, state[3 : 3 + period], work, fisher)
    window_lowest(middle, period, state[3 + period :], work, signal)
    seen, x, last = state[0], state[1], state[2]
    for row in range(len(high)):
        top, bottom = fisher[row], signal[row]
        fisher[row] = signal[row] = np.nan
        if top != top:
            continue
        reach = moved(top, bottom)
        place = (middle[row] - bottom) / reach if reach > 0.0 else 0.5
        x = min(max(0.66 * (place - 0.5) + 0.67 * x, -0.999), 0.999)
        transformed = 0.5 * np.log((1.0 + x) / (1.0 - x)) + 0.5 * last
        if seen > 0.0:
            fisher[row], signal[row] = transformed, last
        seen, last = 1.0, transformed
    state[0], state[1], state[2] = seen, x, last
