"""Relative strength against the benchmark."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.shared.past import past_size, with_past


def state_size(period: int) -> int:
    """The values before, of both."""
    return 2 * past_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
def relative_strength(close, benchmark, period, state, work, out):
    """Relative strength in percent: 100 * ((close / close before) / (benchmark / benchmark before) - 1) over `period` rows;
    above 0 the symbol did better than the benchmark symbol.

    The benchmark's value is its latest at each bar. NaN in either: at that row and `period` rows later. Flat, as the benchmark:
    0. A value of 0 before: NaN. Too short: NaN.
    """
    size = 1 + period
    before = with_past(close, period, state[:size], work)
    benchmark_before = with_past(benchmark, period, state[size:], work)
    for row in range(len(out)):
        usual = before[row] * benchmark[row]
        out[row] = (
            100.0 * (close[row] * benchmark_before[row] / usual - 1.0) if usual != 0.0 else np.nan
        )
