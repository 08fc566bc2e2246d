"""Parabolic stop and reverse."""

import numpy as np

from engine.compute.shared.fma import fma
from engine.indicators.register import Param, register


def state_size(acceleration: float, maximum: float) -> int:
    """Length of the state."""
    return 10


def warmup(acceleration: float, maximum: float) -> int:
    """Rows up to and including the first value."""
    return 2


def settle(acceleration: float, maximum: float) -> int:
    """Rows after which what was before does not matter."""
    return 250


@register(
    inputs=("high", "low"),
    params=(Param("acceleration", 0.02, 0.0, 1.0), Param("maximum", 0.2, 0.0, 1.0)),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def parabolic_sar(high, low, acceleration, maximum, state, out):
    """Wilder's parabolic stop and reverse: a stop that moves towards the extreme price by a growing
    share, and turns when it is touched.

    J. Welles Wilder (1978); as TA-Lib's SAR. Its path forgets where it began at its first turn
    after; 250 bars are taken to hold one. NaN in either: NaN at that row, which is otherwise passed
    over. Flat: the price. Too short (the first bar): NaN.
    """
    # state: bars, last high, last low, long (1) or short (-1), stop, extreme, acceleration at hand
    bars, last_top, last_bottom, side = state[0], state[1], state[2], state[3]
    stop, extreme, pace = state[4], state[5], state[6]
    acceleration = min(acceleration, maximum)
    row, rows = 0, len(out)
    while row < rows and bars < 1.0:
        out[row] = np.nan
        if high[row] == high[row] and low[row] == low[row]:
            bars, last_top, last_bottom = 1.0, high[row], low[row]
        row += 1
    while row < rows:
        if high[row] != high[row] or low[row] != low[row]:
            out[row] = np.nan
            row += 1
            continue
        if bars == 1.0:
            falls = last_bottom - low[row] > 0.0 and high[row] - last_top < last_bottom - low[row]
            side, pace, bars = -1.0 if falls else 1.0, acceleration, 2.0
            stop, extreme = (-last_top, -low[row]) if falls else (last_bottom, high[row])
            last_top, last_bottom = high[row], low[row]
        # a short's prices are mirrored, so stop and extreme need one case, a long's
        long = side > 0.0
        top, bottom = high[row] if long else -low[row], low[row] if long else -high[row]
        ceiling, floor = last_top if long else -last_bottom, last_bottom if long else -last_top
        ceiling, floor = top if top > ceiling else ceiling, bottom if bottom < floor else floor
        if bottom <= stop:  # turns
            stop = ceiling if ceiling > extreme else extreme
            out[row] = stop if long else -stop
            side, stop, extreme, pace, floor = -side, -stop, -bottom, acceleration, -ceiling
        else:
            out[row] = stop if long else -stop
            faster = pace + acceleration if pace + acceleration < maximum else maximum
            pace = faster if top > extreme else pace
            extreme = top if top > extreme else extreme
        stop = fma(pace, extreme - stop, stop)
        stop = floor if floor < stop else stop
        last_top, last_bottom = high[row], low[row]
        row += 1
    state[0], state[1], state[2], state[3] = bars, last_top, last_bottom, side
    state[4], state[5], state[6] = stop, extreme, pace
