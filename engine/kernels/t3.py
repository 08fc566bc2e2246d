"""Tillson T3."""

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget
from engine.kernels.steps import ema_next


def state_size(period: int, factor: float) -> int:
    """Length of the state."""
    return 12


def warmup(period: int, factor: float) -> int:
    """Rows up to and including the first value."""
    return 6 * (period - 1) + 1


def settle(period: int, factor: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, factor) + 8 * rows_to_forget(2.0 / (period + 1))


@kernel
def t3(values, period, factor, state, out):
    """Tillson's T3: a moving average of six exponential ones in a row, weighted by powers of `factor`.

    Tim Tillson, Technical Analysis of Stocks & Commodities (1998); as TA-Lib's T3. NaN: NaN at that row, which is
    otherwise passed
    over. Flat: the value. Too short: NaN.
    """
    a = factor
    third, fourth = a * a * a + 3.0 * a * a + 3.0 * a + 1.0, -6.0 * a * a - 3.0 * (a + a * a * a)
    fifth, sixth = 3.0 * a * a + 3.0 * a * a * a, -a * a * a
    for row in range(len(values)):
        once = ema_next(values[row], period, state[0:2])
        twice = ema_next(once, period, state[2:4])
        e3 = ema_next(twice, period, state[4:6])
        e4 = ema_next(e3, period, state[6:8])
        e5 = ema_next(e4, period, state[8:10])
        e6 = ema_next(e5, period, state[10:12])
        out[row] = sixth * e6 + fifth * e5 + fourth * e4 + third * e3
