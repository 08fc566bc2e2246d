"""Relative strength against the benchmark."""

import numpy as np

from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The values before, of both."""
    return 2 * past_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("close", "benchmark"),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def relative_strength(close, benchmark, period, state, work, out):
    """Relative strength in percent: 100 * ((close / close before) / (benchmark / benchmark before)
    - 1) over `period` rows; above 0 the symbol did better than the benchmark symbol.

    The benchmark's value is its latest at each bar. NaN in either: at that row and `period` rows
    later. Flat, as the benchmark: 0. A value of 0 before: NaN. Too short: NaN.
    """
    size = 1 + period
    before = with_past(close, period, state[:size], work)
    benchmark_before = with_past(benchmark, period, state[size:], work)
    for row in range(len(out)):
        usual = before[row] * benchmark[row]
        out[row] = (
            100.0 * (close[row] * benchmark_before[row] / usual - 1.0) if usual != 0.0 else np.nan
        )
