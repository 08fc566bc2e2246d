"""Correlation with the benchmark."""

import numpy as np

from engine.compute.shared.comoments import returns_joined, window_comoments
from engine.compute.shared.rounding import between
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import past_size
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The values before, of both."""
    return 2 * past_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("close", "benchmark"),
    params=(Param("period", 20, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def correlation(close, benchmark, period, state, work, out):
    """Correlation of the last `period` returns from row to row with those of the benchmark symbol:
    -1 to 1 (Pearson's).

    The benchmark's value is its latest at each bar. NaN in either: while it is in the window. Flat,
    or a flat benchmark: NaN. Too short: NaN.
    """
    own, other, square = take(len(out), work), take(len(out), work), take(len(out), work)
    x = returns_joined(close, period, state[: 1 + period], work)
    y = returns_joined(benchmark, period, state[1 + period :], work)
    window_comoments(x, y, period, work, own, other, out)
    for row in range(len(out)):
        square[row] = own[row] * other[row]
    for row in range(len(out)):
        out[row] = (
            between(out[row] / np.sqrt(square[row]), -1.0, 1.0) if square[row] > 0.0 else np.nan
        )
