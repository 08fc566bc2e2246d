"""Aroon."""

from engine.kernels.jit import kernel
from engine.kernels.shared.past import window_size
from engine.kernels.shared.peak import window_peak_age


def state_size(period: int) -> int:
    """Two windows' past."""
    return 2 * window_size(period + 1)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
def aroon(high, low, period, state, work, up, down):
    """Aroon up and down: how recent the highest high, and the lowest low, of the last `period` + 1 bars are, 100 for the latest
    bar and 0 for the first; of equal ones the later counts. As TA-Lib's AROON.

    Tushar Chande (1995). NaN in either: while it is in the window of the one or the other. Flat: 100. Too short: NaN.
    """
    window_peak_age(high, period + 1, 1.0, state[: period + 1], work, up)
    window_peak_age(low, period + 1, -1.0, state[period + 1 :], work, down)
    for row in range(len(up)):
        up[row] = 100.0 * (period - up[row]) / period
        down[row] = 100.0 * (period - down[row]) / period
