"""Choppiness index."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.peak import window_highest, window_lowest
from engine.compute.shared.ranges import RANGES_SIZE, true_ranges
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The last close; three windows' past."""
    return RANGES_SIZE + 3 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def choppiness(high, low, close, period, state, work, out):
    """Choppiness index: 100 * log10(sum of true ranges / (highest high - lowest low)) /
    log10(period), over the last `period` bars.

    E. W. Dreiss. NaN in any: while it is in the window. Flat: NaN. Too short: NaN.
    """
    top, bottom = take(len(out), work), take(len(out), work)
    true_ranges(high, low, close, state[:2], out)
    window_mean(out, period, state[2 : 2 + period], work, out)
    window_highest(high, period, state[2 + period : 2 + 2 * period], work, top)
    window_lowest(low, period, state[2 + 2 * period :], work, bottom)
    for row in range(len(out)):
        total, span = out[row] * period, top[row] - bottom[row]
        share = max(
            1.0, total / span
        )  # below only by rounding: a way is no shorter than what it spans
        out[row] = (
            100.0 * np.log10(share) / np.log10(period) if span > 0.0 and total > 0.0 else np.nan
        )
