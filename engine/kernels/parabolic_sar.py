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
    bars, last_top, last_bottom, side, stop, extreme, pace = state[0], state[1], state[2], state[3], state[4], state[5], state[6]
    acceleration = min(acceleration, maximum)
    for row in range(len(high)):
        top, bottom = high[row], low[row]
        if np.isnan(top + bottom):
            out[row] = np.nan
            continue
        bars += 1.0
        if bars <= 2.0:
            if bars == 1.0:
                out[row] = np.nan
                last_top, last_bottom = top, bottom
                continue
            falls = last_bottom - bottom > 0.0 and top - last_top < last_bottom - bottom
            side = -1.0 if falls else 1.0
            stop, extreme, pace = (last_top, bottom, acceleration) if falls else (last_bottom, top, acceleration)
            last_top, last_bottom = top, bottom
        if side > 0.0:
            if bottom <= stop:  # turns
                side, stop = -1.0, max(extreme, last_top, top)
                out[row] = stop
                extreme, pace = bottom, acceleration
                stop = max(stop + pace * (extreme - stop), last_top, top)
            else:
                out[row] = stop
                if top > extreme:
                    extreme, pace = top, min(pace + acceleration, maximum)
                stop = min(stop + pace * (extreme - stop), last_bottom, bottom)
        elif top >= stop:  # turns
            side, stop = 1.0, min(extreme, last_bottom, bottom)
            out[row] = stop
            extreme, pace = top, acceleration
            stop = min(stop + pace * (extreme - stop), last_bottom, bottom)
        else:
            out[row] = stop
            if bottom < extreme:
                extreme, pace = bottom, min(pace + acceleration, maximum)
            stop = max(stop + pace * (extreme - stop), last_top, top)
        last_top, last_bottom = top, bottom
    state[0], state[1], state[2], state[3], state[4], state[5], state[6] = bars, last_top, last_bottom, side, stop, extreme, pace
