"""Wilder's relative strength."""

import numpy as np

from engine.compute.shared.fma import fma
from engine.runtime.jit import njit

STRENGTH_SIZE = 4


@njit
def strength(values, period, state, out):
    """Write 100 * gain / (gain + loss), both smoothed by 1 / period and seeded with the mean of the
    first `period` changes.

    state (4): count, last value, gain, loss. NaN: NaN at that row, which is otherwise passed over.
    Flat: 50.
    """
    count, last, gain, loss = state[0], state[1], state[2], state[3]
    weight = 1.0 / period
    row, rows = 0, len(values)
    while row < rows and count <= period:
        value = values[row]
        if value == value:
            change = value - last if count > 0.0 else 0.0
            gain += max(change, 0.0) * weight
            loss += max(-change, 0.0) * weight
            last = value
            count += 1.0
        out[row] = _share(gain, loss) if value == value and count > period else np.nan
        row += 1
    late, shares = values[row:], out[row:]
    for i in range(len(late)):
        value = late[i]
        known = value == value
        change = value - last
        rest = 1.0 - weight if known else 1.0
        gain = fma(gain, rest, change * weight if change > 0.0 else 0.0)
        loss = fma(loss, rest, -change * weight if change < 0.0 else 0.0)
        last = value if known else last
        shares[i] = _share(gain, loss) if known else np.nan
    for i in range(
        len(out)
        # 100 * gain is rounded; dividing first is exact, and takes a tenth longer
    ):
        out[i] = 100.0 if out[i] > 100.0 else out[i]
    state[0], state[1], state[2], state[3] = count, last, gain, loss


@njit
def _share(gain, loss):
    total = gain + loss
    return 100.0 * gain / total if total > 0.0 else 50.0
