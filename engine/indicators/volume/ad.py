"""Accumulation/distribution line."""

import numpy as np

from engine.indicators.register import register


def state_size() -> int:
    """Length of the state."""
    return 1


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


@register(
    inputs=("high", "low", "close", "volume"),
    state_size=state_size,
    warmup=warmup,
)
def ad(high, low, close, volume, state, out):
    """Accumulation/distribution line: sum of volume * ((close - low) - (high - close)) / (high -
    low), as TA-Lib's AD.

    Marc Chaikin. What it counts from is where the run of bars begins (a month's first session), so
    its changes have meaning, its level none. NaN in any: NaN at that row, which is otherwise passed
    over. Flat (high = low): no change. Too short: it has a value from the first row.
    """
    line = state[0]
    for row in range(len(close)):
        reach = high[row] - low[row]
        flow = volume[row] * ((close[row] - low[row]) - (high[row] - close[row]))
        if flow != flow:
            out[row] = np.nan
            continue
        line += flow / reach if reach > 0.0 else 0.0
        out[row] = line
    state[0] = line
