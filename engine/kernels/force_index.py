"""Force index."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next


def state_size(period: int) -> int:
    """Length of the state."""
    return 4


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(2.0 / (period + 1))


@kernel
def force_index(close, volume, period, state, out):
    """Force index: EMA(period) of (close - last close) * volume.

    Alexander Elder, Trading for a Living (1993). NaN in either: NaN at that row, which is otherwise passed over. Flat:
    0. Zero volume:
    counts 0. Too short: NaN.
    """
    for row in range(len(close)):
        if np.isnan(close[row] + volume[row]):
            out[row] = np.nan
            continue
        first, change = state[0] == 0.0, close[row] - state[1]
        state[0], state[1] = 1.0, close[row]
        out[row] = np.nan if first else ema_next(change * volume[row], period, state[2:])
