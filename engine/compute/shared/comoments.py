"""How two series move together in a sliding window."""

import numpy as np

from engine.compute.shared.mean import first_digit, grow_mean, halve
from engine.compute.shared.scratch import take, take_zeros
from engine.compute.shared.window_past import with_past
from engine.runtime.jit import njit


@njit
def returns_joined(values, period, state, work):
    """value / last value - 1, joined with the `period` - 1 before them; NaN where the last one is
    0. state: `past_size(period)`.
    """
    out = take(period - 1 + len(values), work)
    taken = work[0]
    joined = with_past(values, period, state, work)
    now = joined[1:]
    for i in range(len(out)):
        out[i] = now[i] / joined[i] - 1.0 if joined[i] != 0.0 else np.nan
    work[0] = taken
    return out


@njit
def window_comoments(x_joined, y_joined, period, work, own, other, both):
    """Write sums over the last `period` rows of squared deviations from the mean (own, other) and
    of their products (both).

    As `window_moments`, both = both a + both b + (mean b - mean a) * (other mean b - other mean a)
    * n_a * n_b / (n_a + n_b).
    x_joined, y_joined  values and the `period` - 1 before them; `period` is 2 at least
    NaN in either: while it is in the window. An empty `own` is left out.
    """
    taken = work[0]
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
        xx_next, yy_next, xy_next = (
            (own, other, both)
            if digit == 1
            else (xx_spare[:size], yy_spare[:size], xy_spare[:size])
        )
        x_late, y_late = x[n:], y[n:]
        if len(own) > 0:
            _join(x, x_late, x, x_late, xx, xx[n:], 0.5 * n, xx_next)
        _join(y, y_late, y, y_late, yy, yy[n:], 0.5 * n, yy_next)
        _join(x, x_late, y, y_late, xy, xy[n:], 0.5 * n, xy_next)
        if odd:
            more_x, more_y, share = x_joined[2 * n :], y_joined[2 * n :], 1.0 / (2 * n + 1)
            if len(own) > 0:
                _add_one(x, x_late, x, x_late, more_x, more_x, 2 * n * share, xx_next)
            _add_one(y, y_late, y, y_late, more_y, more_y, 2 * n * share, yy_next)
            _add_one(x, x_late, y, y_late, more_x, more_y, 2 * n * share, xy_next)
            if digit > 1:
                grow_mean(x, x_late, more_x, share, x_next)
                grow_mean(y, y_late, more_y, share, y_next)
        elif digit > 1:
            halve(x, x_late, x_next)
            halve(y, y_late, y_next)
        x, x_spare, x_third = x_next, x_third, x_spare
        y, y_spare, y_third = y_next, y_third, y_spare
        xx, xx_spare = xx_next, xx
        yy, yy_spare = yy_next, yy
        xy, xy_spare = xy_next, xy
        n, digit = 2 * n + odd, digit >> 1
    work[0] = taken


@njit
def _join(x_a, x_b, y_a, y_b, product_a, product_b, weight, products):
    for i in range(len(products)):
        products[i] = product_a[i] + product_b[i] + (x_b[i] - x_a[i]) * (y_b[i] - y_a[i]) * weight


@njit
def _add_one(x_a, x_b, y_a, y_b, values, others, weight, products):
    for i in range(len(products)):
        apart, other_apart = (
            values[i] - (x_a[i] + x_b[i]) * 0.5,
            others[i] - (y_a[i] + y_b[i]) * 0.5,
        )
        products[i] += apart * other_apart * weight
