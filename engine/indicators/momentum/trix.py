"""Trix."""

import numpy as np

from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget, smooth_thrice
from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Three averages; the last value."""
    return 6 + past_size(1)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 3 * (period - 1) + 1 + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + 4 * rows_to_forget(2.0 / (period + 1))


@register(
    inputs=("close",),
    params=(Param("period", 30, 1),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def trix(values, period, state, work, out):
    """Trix: change in percent of a triple exponential moving average from row to row.

    Jack Hutson, Technical Analysis of Stocks & Commodities (1983); as TA-Lib's TRIX. NaN: NaN at
    that row and the next; the averages pass it over. Flat: 0. Too short: NaN.
    """
    once, twice = take(len(out), work), take(len(out), work)
    smooth_thrice(values, period, 2.0 / (period + 1.0), state[:6], once, twice, out)
    last = with_past(out, 1, state[6:], work)
    for row in range(len(out)):
        out[row] = 100.0 * (out[row] / last[row] - 1.0) if last[row] != 0.0 else np.nan
