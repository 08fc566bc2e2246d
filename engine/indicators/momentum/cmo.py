"""Chande momentum oscillator, Wilder-smoothed."""

from engine.compute.shared.smooth import rows_to_forget
from engine.compute.shared.strength import STRENGTH_SIZE, strength
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Those of the RSI."""
    return STRENGTH_SIZE


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(1.0 / period)


@register(
    inputs=("close",),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def cmo(values, period, state, out):
    """Chande momentum oscillator: 100 * (gain - loss) / (gain + loss), both smoothed by 1 / period,
    as TA-Lib's CMO.

    Tushar Chande (1994), who summed without smoothing; smoothed it is 2 * RSI - 100. NaN: NaN at
    that row, which is otherwise passed over. Flat: 0. Too short: NaN.
    """
    strength(values, period, state, out)
    for row in range(len(out)):
        out[row] = 2.0 * out[row] - 100.0
