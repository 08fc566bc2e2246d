"""True strength index."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next


def state_size(slow: int, fast: int) -> int:
    """Length of the state."""
    return 10


def warmup(slow: int, fast: int) -> int:
    """Rows up to and including the first value."""
    return slow + fast


def settle(slow: int, fast: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(slow, fast) + 2 * rows_to_forget(2.0 / (max(slow, fast) + 1))


@kernel
def tsi(values, slow, fast, state, out):
    """True strength index: 100 * EMA(EMA(change, slow), fast) over the same of the absolute change.

    William Blau (1991). NaN: NaN at that row, which is otherwise passed over. Flat: 0. Too short: NaN.
    """
    for row in range(len(values)):
        value = values[row]
        if value != value:
            out[row] = np.nan
            continue
        first, change = state[0] == 0.0, value - state[1]
        state[0], state[1] = 1.0, value
        if first:
            out[row] = np.nan
            continue
        net = ema_next(ema_next(change, slow, state[2:4]), fast, state[4:6])
        total = ema_next(ema_next(abs(change), slow, state[6:8]), fast, state[8:10])
        out[row] = 0.0 if total == 0.0 else 100.0 * net / total
