"""Relative strength index, Wilder's."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget


def state_size(period: int) -> int:
    """count, last value, average gain, average loss (before the first value: their sums)."""
    return 4


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows until the seed's weight is below 1e-9."""
    return warmup(period) + rows_to_forget(1.0 / period)


@kernel
def rsi(values, period, state, out):
    """Wilder's relative strength index: 100 * gain / (gain + loss), both smoothed by 1 / period.

    J. Welles Wilder, New Concepts in Technical Trading Systems (1978); seeded with the mean of the first `period`
    changes, as TA-Lib's RSI. NaN: NaN at that row, which is otherwise passed over. Flat (no change at all): 50, where
    TA-Lib says 0. Too short: NaN.
    """
    count, last, gain, loss = state[0], state[1], state[2], state[3]
    weight = 1.0 / period
    rest = 1.0 - weight
    for row in range(len(values)):
        value = values[row]
        if value != value:
            out[row] = np.nan
            continue
        change = value - last if count > 0.0 else 0.0
        up, down = max(change, 0.0), max(-change, 0.0)
        if count > period:
            gain = gain * rest + up * weight
            loss = loss * rest + down * weight
        else:
            gain += up
            loss += down
            if count == period:
                gain *= weight
                loss *= weight
        last = value
        count += 1.0
        if count > period:
            out[row] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
        else:
            out[row] = np.nan
    state[0], state[1], state[2], state[3] = count, last, gain, loss
