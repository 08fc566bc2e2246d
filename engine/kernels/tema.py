"""Triple exponential moving average."""

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next


def state_size(period: int) -> int:
    """Length of the state."""
    return 6


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 3 * (period - 1) + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + 4 * rows_to_forget(2.0 / (period + 1))


@kernel
def tema(values, period, state, out):
    """Triple exponential moving average: 3 * EMA - 3 * EMA of EMA + EMA of that.

    Patrick Mulloy (1994); as TA-Lib's TEMA. NaN: NaN at that row, which is otherwise passed over. Flat: the value.
    Too short: NaN.
    """
    for row in range(len(values)):
        once = ema_next(values[row], period, state[0:2])
        twice = ema_next(once, period, state[2:4])
        out[row] = 3.0 * once - 3.0 * twice + ema_next(twice, period, state[4:6])
