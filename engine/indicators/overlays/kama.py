"""Kaufman adaptive moving average."""

import numpy as np

from engine.compute.shared.fma import fma
from engine.compute.shared.mean import mean_of_joined
from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget
from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The values before; whether there is an average, and the average."""
    return past_size(period) + 2


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget((2.0 / 31.0) ** 2)


@register(
    inputs=("close",),
    params=(Param("period", 30, 2),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def kama(values, period, state, work, out):
    """Kaufman's adaptive moving average: average += (value - average) * ((e * (2/3 - 2/31) + 2/31)
    ** 2), where the efficiency e is the change over `period` rows over the sum of changes from row
    to row. As TA-Lib's KAMA.

    Perry Kaufman, Smarter Trading (1995). NaN: while it is in the window; the average waits. Flat:
    the value. Too short: NaN.
    """
    rows = len(out)
    joined = with_past(values, period, state[: 1 + period], work)
    now = joined[period:]
    change, path, pull = take(len(joined) - 1, work), take(rows, work), take(rows, work)
    later = joined[1:]
    for i in range(len(change)):
        change[i] = abs(later[i] - joined[i])
    mean_of_joined(change, period, work, path)
    for row in range(rows):  # what is left of the average, into `path`
        apart, length = now[row] - joined[row], path[row] * period
        share = abs(apart) / (length if length != 0.0 else 1.0)
        efficiency = 1.0 if length <= apart else share
        root = efficiency * (2.0 / 3.0 - 2.0 / 31.0) + 2.0 / 31.0
        path[row] = 1.0 - root * root
        pull[row] = now[row] * (1.0 - path[row])  # both shares add up to 1, as in `smooth`
    row, started, average = 0, state[1 + period] > 0.0, state[2 + period]
    while (
        row < rows and not started
    ):  # the average starts from the value before the first known efficiency
        started = path[row] == path[row]
        if started:
            average = joined[period - 1 + row]
        else:
            out[row] = np.nan
            row += 1
    lefts, pulls, smoothed, holes = path[row:], pull[row:], out[row:], 0
    for i in range(len(lefts)):
        holes += lefts[i] != lefts[i]
    for i in range(len(lefts) if holes else 0):
        known = lefts[i] == lefts[i]
        average = fma(average, lefts[i], pulls[i]) if known else average
        smoothed[i] = average if known else np.nan
    for i in range(0 if holes else len(lefts)):  # one operation waits for the last average
        average = fma(average, lefts[i], pulls[i])
        smoothed[i] = average
    state[1 + period], state[2 + period] = 1.0 if started else 0.0, average
