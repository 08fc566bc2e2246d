"""Average true range, Wilder's."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget


def state_size(period: int) -> int:
    """count, last close, average (before the first value: the sum)."""
    return 3


def warmup(period: int) -> int:
    """Rows up to and including the first value: the first bar has no true range."""
    return period + 1


def settle(period: int) -> int:
    """Rows until the seed's weight is below 1e-9."""
    return warmup(period) + rows_to_forget(1.0 / period)


@kernel
def atr(high, low, close, period, state, out):
    """Wilder's average true range: the true range smoothed by 1 / period.

    True range = max(high, last close) - min(low, last close). Wilder (1978); seeded with the mean of the first `period`
    true ranges, as TA-Lib's ATR. NaN in any input: NaN at that row, which is otherwise passed over. Flat: 0.
    Too short: NaN.
    """
    count, last, average = state[0], state[1], state[2]
    weight = 1.0 / period
    rest = 1.0 - weight
    for row in range(len(close)):
        if np.isnan(high[row] - low[row] + close[row]):
            out[row] = np.nan
            continue
        if count > 0.0:
            true_range = max(high[row], last) - min(low[row], last)
            if count > period:
                average = average * rest + true_range * weight
            else:
                average += true_range
                if count == period:
                    average *= weight
        last = close[row]
        count += 1.0
        out[row] = average if count > period else np.nan
    state[0], state[1], state[2] = count, last, average
