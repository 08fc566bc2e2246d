"""Percentage price oscillator."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next


def state_size(fast: int, slow: int) -> int:
    """Length of the state."""
    return 4


def warmup(fast: int, slow: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow)


def settle(fast: int, slow: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(fast, slow) + rows_to_forget(2.0 / (max(fast, slow) + 1))


@kernel
def ppo(values, fast, slow, state, out):
    """Percentage price oscillator: 100 * (EMA(fast) - EMA(slow)) / EMA(slow).

    Each is seeded with the mean of its first values, as TA-Lib's PPO with exponential averages. NaN: NaN at that
    row, which is otherwise passed over. Flat: 0. A slow average of 0: NaN. Too short: NaN.
    """
    for row in range(len(values)):
        quick, late = ema_next(values[row], fast, state[:2]), ema_next(values[row], slow, state[2:])
        out[row] = 100.0 * (quick - late) / late if late != 0.0 else np.nan
