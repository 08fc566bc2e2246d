"""Inside bar."""

import numpy as np

from engine.indicators.register import register


def state_size() -> int:
    """Length of the state."""
    return 3


def warmup() -> int:
    """Rows up to and including the first value."""
    return 2


@register(
    inputs=("high", "low"),
    state_size=state_size,
    warmup=warmup,
)
def inside_bar(high, low, state, out):
    """Inside bar: 1 where the bar lies within the bar before, else 0.

    NaN in either: NaN at that row, which is otherwise passed over. Flat: 1. Too short (the first
    bar): NaN.
    """
    for row in range(len(high)):
        if np.isnan(high[row] + low[row]):
            out[row] = np.nan
            continue
        out[row] = (
            (1.0 if high[row] <= state[1] and low[row] >= state[2] else 0.0)
            if state[0] > 0.0
            else np.nan
        )
        state[0], state[1], state[2] = 1.0, high[row], low[row]
