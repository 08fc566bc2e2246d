"""How two series move together in a sliding window."""

import numpy as np

from engine.kernels.jit import njit
from engine.kernels.shared.mean import first_digit, grow_mean, halve
from engine.kernels.shared.past import window_size, with_past
from engine.kernels.shared.work import take, take_zeros


def comoments_size(period: int) -> int:
    """State of `window_comoments`: two windows' past."""
    return 2 * window_size(period)


@njit
def window_comoments(values, others, period, state, work, own, other, both):
    """Write sums over the last `period` rows of squared deviations from the mean (own, other) and of their products (both).

    As `window_moments`, both = both a + both b + (mean b - mean a) * (other mean b - other mean a) * n_a * n_b / (n_a + n_b).
    NaN in either: while it is in the window. `period` is 2 at least. state: `comoments_size(period)`.
    """
    taken = work[0]
    x_joined = with_past(values, period - 1, state[:period], work)
    y_joined = with_past(others, period - 1, state[period:], work)
    length = len(x_joined)
    x, x_spare, x_third = x_joined, take(length, work), take(length, work)
    y, y_spare, y_third = y_joined, take(length, work), take(length, work)
    xx, xx_spare = take_zeros(length, work), take(length, work)
    yy, yy_spare = take_zeros(length, work), take(length, work)
    xy, xy_spare = take_zeros(length, work), take(length, work)
    n, digit = 1, first_digit(period)
    while digit > 0:
        odd = 1 if period & digit else 0
        size = length - 2 * n - odd + 1
        x_next, y_next = x_spare[:size], y_spare[:size]
        xx_next, yy_next, xy_next = (own, other, both) if digit == 1 else (xx_spare[:size], yy_spare[:size], xy_spare[:size])
        _join(x, x[n:], x, x[n:], xx, xx[n:], 0.5 * n, xx_next)
        _join(y, y[n:], y, y[n:], yy, yy[n:], 0.5 * n, yy_next)
        _join(x, x[n:], y, y[n:], xy, xy[n:], 0.5 * n, xy_next)
        if odd:
            more_x, more_y, share = x_joined[2 * n :], y_joined[2 * n :], 1.0 / (2 * n + 1)
            _add_one(x, x[n:], x, x[n:], more_x, more_x, 2 * n * share, xx_next)
            _add_one(y, y[n:], y, y[n:], more_y, more_y, 2 * n * share, yy_next)
            _add_one(x, x[n:], y, y[n:], more_x, more_y, 2 * n * share, xy_next)
            grow_mean(x, x[n:], more_x, share, x_next)
            grow_mean(y, y[n:], more_y, share, y_next)
        else:
            halve(x, x[n:], x_next)
            halve(y, y[n:], y_next)
        x, x_spare, x_third = x_next, x_third, x_spare
        y, y_spare, y_third = y_next, y_third, y_spare
        xx, xx_spare = xx_next, xx
        yy, yy_spare = yy_next, yy
        xy, xy_spare = xy_next, xy
        n, digit = 2 * n + odd, digit >> 1
    work[0] = taken


@njit
def returns(values, state, work, out):
    """Write value / last value - 1; NaN where the last one is 0. state: `past_size(1)`."""
    taken = work[0]
    last = with_past(values, 1, state, work)
    for row in range(len(out)):
        out[row] = values[row] / last[row] - 1.0 if last[row] != 0.0 else np.nan
    work[0] = taken


@njit
def _join(x_a, x_b, y_a, y_b, product_a, product_b, weight, products):
    for i in range(len(products)):
        products[i] = product_a[i] + product_b[i] + (x_b[i] - x_a[i]) * (y_b[i] - y_a[i]) * weight


@njit
def _add_one(x_a, x_b, y_a, y_b, values, others, weight, products):
    for i in range(len(products)):
        apart, other_apart = values[i] - (x_a[i] + x_b[i]) * 0.5, others[i] - (y_a[i] + y_b[i]) * 0.5
        products[i] += apart * other_apart * weight
