"""Zero-lag exponential moving average."""

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import before_next, ema_next, ring_size


def state_size(period: int) -> int:
    """Length of the state."""
    return ring_size(max(1, (period - 1) // 2)) + 2


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return (period - 1) // 2 + period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + rows_to_forget(2.0 / (period + 1))


@kernel
def zlema(values, period, state, out):
    """Zero-lag exponential moving average: EMA of value + (value - the value (period - 1) // 2 rows before).

    John Ehlers and Ric Way (2010). NaN: NaN at that row and where it is the value before; otherwise passed over. Flat: the
    value. Too short: NaN.
    """
    lag = max(1, (period - 1) // 2)
    for row in range(len(values)):
        before = before_next(values[row], lag, state[2:])
        out[row] = ema_next(2.0 * values[row] - before, period, state[:2])
