"""Aroon oscillator."""

from engine.compute.shared.peak import window_peak_age
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period + 1)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("high", "low"),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def aroon_oscillator(high, low, period, state, work, out):
    """Aroon oscillator: Aroon up - Aroon down, as TA-Lib's AROONOSC.

    Tushar Chande (1995). NaN in either: while it is in the window. Flat: 0. Too short: NaN.
    """
    since_low = take(len(out), work)
    window_peak_age(high, period + 1, 1.0, state[: period + 1], work, out)
    window_peak_age(low, period + 1, -1.0, state[period + 1 :], work, since_low)
    for row in range(len(out)):
        out[row] = 100.0 * (since_low[row] - out[row]) / period
