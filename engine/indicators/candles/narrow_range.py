"""Narrow range."""

from engine.compute.shared.peak import window_lowest
from engine.compute.shared.rounding import NOISE
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("high", "low"),
    params=(Param("period", 7, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def narrow_range(high, low, period, state, work, out):
    """Narrow range: 1 where the bar's range is the smallest of the last `period` bars (NR4, NR7),
    else 0; a tie counts.

    Toby Crabel, Day Trading with Short Term Price Patterns (1990). NaN in either: while it is in
    the window. Flat: 1. Too short: NaN.
    """
    reach = take(len(out), work)
    for row in range(len(out)):
        reach[row] = high[row] - low[row]
    window_lowest(reach, period, state, work, out)
    for row in range(len(out)):
        least, noise = (
            out[row],
            NOISE * (abs(high[row]) + abs(low[row])),
        )  # 10.03 - 10.01 is not 20.03 - 20.01 to the last bit
        out[row] = (1.0 if reach[row] <= least + noise else 0.0) + 0.0 * least
