"""Mass index."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int, total: int) -> int:
    """Two averages; the window's past."""
    return 4 + window_size(total)


def warmup(period: int, total: int) -> int:
    """Rows up to and including the first value."""
    return 2 * period + total - 2


def settle(period: int, total: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, total) + 2 * rows_to_forget(2.0 / (period + 1))


@register(
    inputs=("high", "low"),
    params=(Param("period", 9, 1), Param("total", 25, 1)),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def mass_index(high, low, period, total, state, work, out):
    """Mass index: sum over `total` bars of EMA(high - low) / EMA of that EMA, both over `period`
    bars.

    Donald Dorsey, Technical Analysis of Stocks & Commodities (1992). NaN in either: while it is in
    the window; the averages pass it over. Flat: NaN while the averages are 0. Too short: NaN.
    """
    twice, weight = take(len(out), work), 2.0 / (period + 1.0)
    for row in range(len(out)):
        out[row] = high[row] - low[row]
    smooth(out, period, weight, state[0:2], out)
    smooth(out, period, weight, state[2:4], twice)
    for row in range(len(out)):
        out[row] = out[row] / twice[row] if twice[row] > 0.0 else np.nan
    window_mean(out, total, state[4:], work, out)
    for row in range(len(out)):
        out[row] *= total
