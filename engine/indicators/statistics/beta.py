"""Beta against the benchmark."""

import numpy as np

from engine.compute.shared.comoments import returns_joined, window_comoments
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
def beta(close, benchmark, period, state, work, out):
    """Beta: the slope of the last `period` returns from row to row on those of the benchmark
    symbol, covariance / variance of the benchmark.

    The benchmark's value is its latest at each bar. NaN in either: while it is in the window. Flat:
    0; a flat benchmark: NaN. Too short: NaN.
    """
    other = take(len(out), work)
    x = returns_joined(close, period, state[: 1 + period], work)
    y = returns_joined(benchmark, period, state[1 + period :], work)
    window_comoments(x, y, period, work, other[:0], other, out)
    for row in range(len(out)):
        out[row] = out[row] / other[row] if other[row] > 0.0 else np.nan
