"""Absolute price oscillator."""

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
def apo(values, fast, slow, state, out):
    """Absolute price oscillator: EMA(fast) - EMA(slow).

    Each is seeded with the mean of its first values, as TA-Lib's APO with exponential averages. NaN: NaN at that
    row, which is otherwise passed over. Flat: 0. Too short: NaN.
    """
    for row in range(len(values)):
        quick, late = ema_next(values[row], fast, state[:2]), ema_next(values[row], slow, state[2:])
        out[row] = quick - late
