"""Price volume trend."""

import numpy as np

from engine.indicators.register import register


def state_size() -> int:
    """Length of the state."""
    return 3


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


@register(
    inputs=("close", "volume"),
    state_size=state_size,
    warmup=warmup,
)
def pvt(close, volume, state, out):
    """Price volume trend: sum of volume * (close / last close - 1); starts at 0.

    What it counts from is where the run of bars begins (a month's first session), so its changes
    have meaning, its level none. NaN in either: NaN at that row, which is otherwise passed over.
    Flat: no change. Zero volume: no change. Too short: it has a value from the first row.
    """
    for row in range(len(close)):
        if np.isnan(close[row] + volume[row]):
            out[row] = np.nan
            continue
        if state[0] > 0.0 and state[1] != 0.0:
            state[2] += volume[row] * (close[row] / state[1] - 1.0)
        state[0], state[1] = 1.0, close[row]
        out[row] = state[2]
