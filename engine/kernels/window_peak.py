"""The highest value of a sliding window, in O(n) however long the window."""

import numpy as np

from engine.kernels.jit import njit


def state_size(period: int) -> int:
    """count, peak, its age, rows since the stairs were built, highest since, rows a NaN stays, the last values, the stairs."""
    return 6 + 2 * period


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """An exact function of its window."""
    return warmup(period)


@njit
def _build_stairs(values, row, past, stairs):
    """stairs[i] = highest of the window's values from its i-th on; the window ends at `row`."""
    period = len(stairs)
    peak = -np.inf
    for i in range(period - 1, -1, -1):
        at = row - (period - 1 - i)
        value = values[at] if at >= 0 else past[period + at]
        if value > peak:
            peak = value
        stairs[i] = peak


@njit
def window_peak(values, sign, period, state, out):
    """Write the highest of sign * the last `period` values, times sign: the highest for 1, the lowest for -1.

    While the peak is in the window a value costs one comparison. When it leaves, the highest value from each place of the
    window on is worked out once (the stairs); until a new peak comes, the window's highest is the higher of its stair and
    of what came since, for as many rows as the window is long. So stairs are built once in `period` rows at most.
    NaN: while it is in the window.
    """
    count, peak, age, since, head, hurt = state[0], state[1], state[2], int(state[3]), state[4], state[5]
    past, stairs = state[6 : 6 + period], state[6 + period : 6 + 2 * period]
    rows = len(values)
    signed = values if sign > 0.0 else -values
    if count == 0.0:
        peak, since, age = -np.inf, -1, 0.0
        past[:] = -np.inf
    for row in range(rows):
        value = signed[row]
        count += 1.0
        if value >= peak:
            peak, age, since = value, 0.0, -1
        else:
            if value != value:
                hurt = period
                value = -np.inf
            age += 1.0
            if since >= 0:
                since += 1
                head = max(head, value)
                if since == period:
                    _build_stairs(signed, row, past, stairs)
                    since, head = 0, -np.inf
                peak = max(stairs[since], head)
            elif age >= period:
                _build_stairs(signed, row, past, stairs)
                since, head, peak = 0, -np.inf, stairs[0]
        if hurt > 0.0:
            hurt -= 1.0
            out[row] = np.nan
        else:
            out[row] = sign * peak if count >= period else np.nan
    kept = min(rows, period)
    past[: period - kept] = past[kept:].copy()
    past[period - kept :] = signed[rows - kept :]
    state[0], state[1], state[2], state[3], state[4], state[5] = count, peak, age, since, head, hurt
