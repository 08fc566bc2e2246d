"""Accumulation/distribution oscillator."""

import numpy as np

from engine.compute.shared.fma import fma
from engine.compute.shared.smooth import rows_to_forget
from engine.indicators.register import Param, register


def state_size(fast: int, slow: int) -> int:
    """count; fast and slow average, from the line."""
    return 3


def warmup(fast: int, slow: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow)


def settle(fast: int, slow: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(fast, slow) + 2 * rows_to_forget(2.0 / (max(fast, slow) + 1))


@register(
    inputs=("high", "low", "close", "volume"),
    params=(Param("fast", 3, 1), Param("slow", 10, 1)),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def ad_oscillator(high, low, close, volume, fast, slow, state, out):
    """Chaikin's accumulation/distribution oscillator: EMA(fast) - EMA(slow) of the
    accumulation/distribution line, both seeded with its first value, as TA-Lib's ADOSC.

    Marc Chaikin. NaN in any: NaN at that row, which is otherwise passed over. Flat (high = low):
    the line does not change. Too short: NaN.
    """
    # the averages are kept as their distance from the line, whose level has no meaning
    count, near, far = state[0], state[1], state[2]
    near_rest, far_rest = 1.0 - 2.0 / (fast + 1.0), 1.0 - 2.0 / (slow + 1.0)
    start = max(fast, slow)
    for row in range(len(close)):
        reach = high[row] - low[row]
        flow = volume[row] * ((close[row] - low[row]) - (high[row] - close[row]))
        out[row] = flow / reach if reach > 0.0 else 0.0 * flow
    row, rows = 0, len(close)
    while row < rows and count < start:
        if out[row] == out[row]:
            move = out[row] if count > 0.0 else 0.0
            near, far = (near - move) * near_rest, (far - move) * far_rest
            count += 1.0
        out[row] = near - far if out[row] == out[row] and count >= start else np.nan
        row += 1
    while row < rows:
        while (
            row < rows and out[row] == out[row]
        ):  # a run without NaN: one operation waits for the last average
            near = fma(near, near_rest, -out[row] * near_rest)
            far = fma(far, far_rest, -out[row] * far_rest)
            out[row] = near - far
            row += 1
        row += 1
    state[0], state[1], state[2] = count, near, far
