"""Arnaud Legoux moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.past import window_size, with_past
from engine.kernels.shared.peak import keep_between
from engine.kernels.shared.prices import ROUNDING


def state_size(period: int, offset: float, sigma: float) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int, offset: float, sigma: float) -> int:
    """Rows up to and including the first value."""
    return period


def window(period: int, offset: float, sigma: float) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period, offset, sigma)


@kernel
def alma(values, period, offset, sigma, state, work, out):
    """Arnaud Legoux moving average: weights exp(-(i - m) ** 2 / (2 s ** 2)), m = offset * (period - 1), s = period / sigma, over
    the last `period` values.

    Arnaud Legoux and Dimitrios Kouzis-Loukas (2009). NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    joined, rows = with_past(values, period - 1, state, work), len(out)
    weights = np.exp(
        -((np.arange(period) - offset * (period - 1.0)) ** 2) / (2.0 * (period / sigma) ** 2)
    )
    weights /= weights.sum()
    for row in range(rows):
        out[row] = joined[row] * weights[0] if period > 1 else 0.0
    for i in range(1, period - 1):
        later, weight = joined[i : i + rows], weights[i]
        for row in range(rows):
            out[row] += later[row] * weight
    heaviest = int(np.argmax(weights))
    heavy, later, weight, near = (
        joined[heaviest : heaviest + rows],
        joined[period - 1 :],
        weights[period - 1],
        0,
    )
    for row in range(
        rows
    ):  # rounding can take a mean out of its window only where the value that weighs most is all there is
        mean = out[row] + later[row] * weight
        near += abs(heavy[row] - mean) <= ROUNDING * period * abs(mean)
        out[row] = mean
    if near > 0:
        keep_between(joined, np.ones(len(joined)), period, work, out)
