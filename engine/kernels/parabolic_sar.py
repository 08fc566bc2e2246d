"""Parabolic stop and reverse."""

import numpy as np

from engine.kernels.jit import kernel


def state_size(acceleration: float, maximum: float) -> int:
    """Length of the state."""
    return 10


def warmup(acceleration: float, maximum: float) -> int:
    """Rows up to and including the first value."""
    return 2


def settle(acceleration: float, maximum: float) -> int:
    """Rows after which what was before does not matter."""
    return 250


@kernel
def parabolic_sar(high, low, acceleration, maximum, state, out):
    """Wilder's parabolic stop and reverse: a stop that moves towards the extreme price by a growing share, and turns
    when it is touched.

    J. Welles Wilder (1978); as TA-Lib's SAR. Its path forgets where it began at its first turn after; 250 bars are taken
    to hold one. NaN in either: NaN at that row, which is otherwise passed over. Flat: the price. Too short (the first bar): NaN.
    """
    # state: bars, last high, last low, long (1) or short (-1), stop, extreme, acceleration
    acceleration = min(acceleration, maximum)
    for row in range(len(high)):
        top, bottom = high[row], low[row]
        out[row] = np.nan
        if np.isnan(top + bottom):
            continue
        bars, last_top, last_bottom = state[0], state[1], state[2]
        state[0], state[1], state[2] = bars + 1.0, top, bottom
        if bars == 0.0:
            continue
        if bars == 1.0:
            falls = last_bottom - bottom > 0.0 and top - last_top < last_bottom - bottom
            state[3] = -1.0 if falls else 1.0
            state[4], state[5], state[6] = (last_top, bottom, acceleration) if falls else (last_bottom, top, acceleration)
            last_top, last_bottom = top, bottom
        side, stop = state[3], state[4]
        touched = bottom <= stop if side > 0.0 else top >= stop
        if touched:
            stop = max(state[5], last_top, top) if side > 0.0 else min(state[5], last_bottom, bottom)
            if side > 0.0:
                state[5] = bottom
            else:
                state[5] = top
            side = -side
            state[6] = acceleration
            out[row] = stop
        else:
            out[row] = stop
            if side > 0.0 and top > state[5]:
                state[5], state[6] = top, min(state[6] + acceleration, maximum)
            elif side < 0.0 and bottom < state[5]:
                state[5], state[6] = bottom, min(state[6] + acceleration, maximum)
        stop += state[6] * (state[5] - stop)
        stop = min(stop, last_bottom, bottom) if side > 0.0 else max(stop, last_top, top)
        state[3], state[4] = side, stop
