"""Chande momentum oscillator, Wilder-smoothed."""

from engine.kernels.jit import kernel
from engine.kernels.shared.smooth import rows_to_forget
from engine.kernels.shared.strength import STRENGTH_SIZE, strength


def state_size(period: int) -> int:
    """Those of the RSI."""
    return STRENGTH_SIZE


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@kernel
def cmo(values, period, state, out):
    """Chande momentum oscillator: 100 * (gain - loss) / (gain + loss), both smoothed by 1 / period, as TA-Lib's CMO.

    Tushar Chande (1994), who summed without smoothing; smoothed it is 2 * RSI - 100. NaN: NaN at that row, which is otherwise
    passed over. Flat: 0. Too short: NaN.
    """
    strength(values, period, state, out)
    for row in range(len(out)):
        out[row] = 2.0 * out[row] - 100.0
