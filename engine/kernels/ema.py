"""Exponential moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget


def state_size(period: int) -> int:
    """count, average (before the first value: the sum)."""
    return 2


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period


def settle(period: int) -> int:
    """Rows until the seed's weight is below 1e-9."""
    return warmup(period) + rows_to_forget(2.0 / (period + 1))


@kernel
def ema(values, period, state, out):
    """Exponential moving average: ema = ema * (1 - w) + value * w, w = 2 / (period + 1), seeded with the mean of the
    first values.

    As TA-Lib's EMA. NaN: NaN at that row, which is otherwise passed over. Flat: the value. Too short: NaN.
    """
    count, average = state[0], state[1]
    weight = 2.0 / (period + 1.0)
    rest = 1.0 - weight
    for row in range(len(values)):
        value = values[row]
        if value != value:
            out[row] = np.nan
            continue
        count += 1.0
        if count > period:
            average = average * rest + value * weight  # two operations wait for the last average, not three
        else:
            average += value
            if count == period:
                average /= period
        out[row] = average if count >= period else np.nan
    state[0], state[1] = count, average
