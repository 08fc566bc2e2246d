"""Vortex indicator."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.ranges import RANGES_SIZE, true_ranges
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Last close, high and low; three windows' past."""
    return RANGES_SIZE + 2 * past_size(1) + 3 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 14, 2),),
    outputs=("plus", "minus"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def vortex(high, low, close, period, state, work, plus, minus):
    """Vortex indicator: sums over the last `period` bars of |high - last low| (plus) and |low -
    last high| (minus) over those of the true range.

    Etienne Botes and Douglas Siepman (2010). NaN in any: while it is in the window. Flat: NaN. Too
    short: NaN.
    """
    reach = take(len(plus), work)
    true_ranges(high, low, close, state[:2], reach)
    last_high, last_low = with_past(high, 1, state[2:4], work), with_past(low, 1, state[4:6], work)
    for row in range(len(plus)):
        plus[row] = abs(high[row] - last_low[row])
        minus[row] = abs(low[row] - last_high[row])
    window_mean(reach, period, state[6 : 6 + period], work, reach)
    window_mean(plus, period, state[6 + period : 6 + 2 * period], work, plus)
    window_mean(minus, period, state[6 + 2 * period :], work, minus)
    for row in range(len(plus)):
        total = reach[row] if reach[row] > 0.0 else np.nan
        plus[row] /= total
        minus[row] /= total
