"""Arnaud Legoux moving average."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.fma import fma
from engine.kernels.shared.past import window_size, with_past


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
    weights = np.exp(-((np.arange(period) - offset * (period - 1.0)) ** 2) / (2.0 * (period / sigma) ** 2))
    weights /= weights.sum()
    # distances from the value that weighs most: equal values give that value, and none lies beyond those of its window
    heaviest = int(np.argmax(weights))
    base = joined[heaviest : heaviest + rows]
    out[:] = 0.0
    for i in range(period):
        later, weight = joined[i : i + rows], weights[i]
        for row in range(rows):
            out[row] = fma(later[row] - base[row], weight, out[row])
    for row in range(rows):
        out[row] += base[row]
