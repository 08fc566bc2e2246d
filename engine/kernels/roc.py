"""Rate of change."""

import numpy as np

from engine.kernels.jit import kernel


def state_size(period: int) -> int:
    """count, place in the ring, the ring of the last values."""
    return 2 + period


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """An exact function of its window."""
    return warmup(period)


@kernel
def roc(values, period, state, out):
    """Rate of change in percent: 100 * (value / value `period` rows before - 1), as TA-Lib's ROC.

    NaN: at that row and `period` rows later. Flat: 0. A value of 0 before: NaN. Too short: NaN.
    """
    count, place = state[0], int(state[1])
    ring = state[2:]
    for row in range(len(values)):
        before = ring[place]
        ring[place] = values[row]
        place = place + 1 if place + 1 < period else 0
        count += 1.0
        out[row] = 100.0 * (values[row] / before - 1.0) if count > period and before != 0.0 else np.nan
    state[0], state[1] = count, place
