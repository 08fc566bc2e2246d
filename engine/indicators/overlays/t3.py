"""Tillson T3."""

import numpy as np

from engine.compute.shared.fma import fma
from engine.compute.shared.smooth import rows_to_forget, shares, smooth_next
from engine.indicators.register import Param, register
from engine.runtime.jit import njit


def state_size(period: int, factor: float) -> int:
    """Six averages."""
    return 12


def warmup(period: int, factor: float) -> int:
    """Rows up to and including the first value."""
    return 6 * (period - 1) + 1


def settle(period: int, factor: float) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, factor) + 8 * rows_to_forget(2.0 / (period + 1))


@njit
def _combined(e3, e4, e5, e6, fourth, fifth, sixth):
    """The weights of e3 to e6 add up to 1, so equal averages give their value to the last bit."""
    return fma(fourth, e4 - e3, fma(fifth, e5 - e3, fma(sixth, e6 - e3, e3)))


@register(
    inputs=("close",),
    params=(Param("period", 5, 2), Param("factor", 0.7, 0.0, 1.0)),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def t3(values, period, factor, state, out):
    """Tillson's T3: a moving average of six exponential ones in a row, weighted by powers of
    `factor`.

    Tim Tillson, Technical Analysis of Stocks & Commodities (1998); as TA-Lib's T3. NaN: NaN at that
    row, which is otherwise passed over. Flat: the value. Too short: NaN.
    """
    a, weight = factor, 2.0 / (period + 1.0)
    fourth, fifth, sixth = (
        -6.0 * a * a - 3.0 * (a + a * a * a),
        3.0 * a * a + 3.0 * a * a * a,
        -a * a * a,
    )
    row, rows = 0, len(out)
    while row < rows and state[10] < period:
        value = values[row]
        for stage in range(6):
            value = smooth_next(value, period, weight, state[2 * stage : 2 * stage + 2])
        out[row] = _combined(state[5], state[7], state[9], value, fourth, fifth, sixth)
        row += 1
    e1, e2, e3, e4, e5, e6 = state[1], state[3], state[5], state[7], state[9], state[11]
    taken, rest = shares(weight)
    while row < rows:
        while row < rows and values[row] == values[row]:  # a run without NaN, as in `smooth`
            e1 = fma(e1, rest, values[row] * taken)
            e2 = fma(e2, rest, e1 * taken)
            e3 = fma(e3, rest, e2 * taken)
            e4 = fma(e4, rest, e3 * taken)
            e5 = fma(e5, rest, e4 * taken)
            e6 = fma(e6, rest, e5 * taken)
            out[row] = _combined(e3, e4, e5, e6, fourth, fifth, sixth)
            row += 1
        if row < rows:
            out[row] = np.nan
            row += 1
    state[1], state[3], state[5], state[7], state[9], state[11] = e1, e2, e3, e4, e5, e6
