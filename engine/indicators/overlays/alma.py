"""Arnaud Legoux moving average."""

import numpy as np

from engine.compute.shared.peak import keep_between
from engine.compute.shared.rounding import ROUNDING
from engine.compute.shared.window_past import window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int, offset: float, sigma: float) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int, offset: float, sigma: float) -> int:
    """Rows up to and including the first value."""
    return period


@register(
    inputs=("close",),
    params=(Param("period", 9, 1), Param("offset", 0.85, 0.0, 1.0), Param("sigma", 6.0, 0.1)),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def alma(values, period, offset, sigma, state, work, out):
    """Arnaud Legoux moving average: weights exp(-(i - m) ** 2 / (2 s ** 2)), m = offset * (period -
    1), s = period / sigma, over the last `period` values.

    Arnaud Legoux and Dimitrios Kouzis-Loukas (2009). NaN: while it is in the window. Flat: the
    value. Too short: NaN.
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
        # rounding moves a mean out of its window only where the heaviest value is all there
        # is
    ):
        mean = out[row] + later[row] * weight
        near += abs(heavy[row] - mean) <= ROUNDING * period * abs(mean)
        out[row] = mean
    if near > 0:
        keep_between(joined, np.ones(len(joined)), period, work, out)
