"""True range."""

import numpy as np

from engine.kernels.jit import kernel


def state_size() -> int:
    """Length of the state."""
    return 2


def warmup() -> int:
    """Rows up to and including the first value."""
    return 2


def settle() -> int:
    """Rows after which what was before does not matter."""
    return 2


@kernel
def true_range(high, low, close, state, out):
    """True range: max(high, last close) - min(low, last close), as TA-Lib's TRANGE.

    J. Welles Wilder (1978). NaN in any: NaN at that row, which is otherwise passed over. Flat: 0. Too short (the first
    bar): NaN.
    """
    for row in range(len(close)):
        if np.isnan(high[row] - low[row] + close[row]):
            out[row] = np.nan
            continue
        out[row] = max(high[row], state[1]) - min(low[row], state[1]) if state[0] > 0.0 else np.nan
        state[0], state[1] = 1.0, close[row]
