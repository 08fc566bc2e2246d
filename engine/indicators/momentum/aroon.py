"""Aroon."""

from engine.compute.shared.peak import window_peak_age
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
    outputs=("up", "down"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def aroon(high, low, period, state, work, up, down):
    """Aroon up and down: how recent the highest high, and the lowest low, of the last `period` + 1
    bars are, 100 for the latest bar and 0 for the first; of equal ones the later counts. As
    TA-Lib's AROON.

    Tushar Chande (1995). NaN in either: while it is in the window of the one or the other. Flat:
    100. Too short: NaN.
    """
    window_peak_age(high, period + 1, 1.0, state[: period + 1], work, up)
    window_peak_age(low, period + 1, -1.0, state[period + 1 :], work, down)
    for row in range(len(up)):
        up[row] = 100.0 * (period - up[row]) / period
        down[row] = 100.0 * (period - down[row]) / period
