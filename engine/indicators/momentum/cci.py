"""Commodity channel index."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.rounding import NOISE, typical
from engine.compute.shared.scratch import take, take_zeros
from engine.compute.shared.window_past import window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def cci(high, low, close, period, state, work, out):
    """Commodity channel index: (typical - mean) / (0.015 * mean absolute deviation) over the last
    `period` bars, typical = (high + low + close) / 3, as TA-Lib's CCI.

    Donald Lambert, Commodities (1980). NaN in any: while it is in the window. Flat, or apart from
    the mean by rounding alone: 0. Too short: NaN.
    """
    rows = len(out)
    level, spread = take(rows, work), take_zeros(rows, work)
    for row in range(rows):
        level[row] = typical(high[row], low[row], close[row])
    window_mean(level, period, state[:period], work, out)
    joined = with_past(level, period - 1, state[period:], work)
    for i in range(period):
        later = joined[i : i + rows]
        for row in range(rows):
            spread[row] += abs(later[row] - out[row])
    for row in range(rows):
        apart, total, noise = level[row] - out[row], spread[row], NOISE * abs(out[row])
        out[row] = (
            apart / (0.015 * (total / period))
            if abs(apart) > noise and total > noise
            else 0.0 * apart
        )
