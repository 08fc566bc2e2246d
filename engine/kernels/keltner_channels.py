"""Keltner channels."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next, wilder_next


def state_size(period: int, atr_period: int, width: float) -> int:
    """Length of the state."""
    return 6


def warmup(period: int, atr_period: int, width: float) -> int:
    """Rows up to and including the first value."""
    return max(period, atr_period + 1)


def settle(period: int, atr_period: int, width: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, atr_period, width) + rows_to_forget(2.0 / (period + 1)) + rows_to_forget(1.0 / atr_period)


@kernel
def keltner_channels(high, low, close, period, atr_period, width, state, upper, middle, lower):
    """Keltner channels: EMA of the close plus and minus `width` Wilder average true ranges.

    Chester Keltner (1960), in Linda Raschke's form. NaN in any: NaN at that row, which is otherwise passed over. Flat:
    the bands meet.
    Too short: NaN.
    """
    for row in range(len(close)):
        upper[row] = middle[row] = lower[row] = np.nan
        if np.isnan(high[row] - low[row] + close[row]):
            continue
        centre, reach = ema_next(close[row], period, state[:2]), np.nan
        if state[2] > 0.0:
            reach = wilder_next(max(high[row], state[3]) - min(low[row], state[3]), atr_period, state[4:])
        state[2], state[3] = 1.0, close[row]
        if not np.isnan(centre + reach):
            upper[row], middle[row], lower[row] = centre + width * reach, centre, centre - width * reach
