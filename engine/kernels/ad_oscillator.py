"""Accumulation/distribution oscillator."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.seed import rows_to_forget


def state_size(fast: int, slow: int) -> int:
    """Length of the state."""
    return 4


def warmup(fast: int, slow: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow)


def settle(fast: int, slow: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(fast, slow) + 2 * rows_to_forget(2.0 / (max(fast, slow) + 1))


@kernel
def ad_oscillator(high, low, close, volume, fast, slow, state, out):
    """Chaikin's accumulation/distribution oscillator: EMA(fast) - EMA(slow) of the accumulation/distribution line, both
    seeded with its
    first value, as TA-Lib's ADOSC.

    Marc Chaikin. NaN in any: NaN at that row, which is otherwise passed over. Flat (high = low): the line does not
    change. Too short: NaN.
    """
    quick, late = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0)
    start = max(fast, slow)
    # state: count, line, fast average - line, slow average - line: kept apart from the line, whose level has no meaning
    for row in range(len(close)):
        flow = volume[row] * ((close[row] - low[row]) - (high[row] - close[row]))
        if flow != flow:
            out[row] = np.nan
            continue
        reach = high[row] - low[row]
        step = flow / reach if reach > 0.0 else 0.0
        state[0] += 1.0
        if state[0] > 1.0:
            state[2] = (state[2] - step) * (1.0 - quick)
            state[3] = (state[3] - step) * (1.0 - late)
        out[row] = state[2] - state[3] if state[0] >= start else np.nan
