"""Money flow index."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import sum_next, window_size


def state_size(period: int) -> int:
    """Length of the state."""
    return 2 + 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period)


@kernel
def mfi(high, low, close, volume, period, state, out):
    """Money flow index: 100 * inflow / (inflow + outflow) over the last `period` bars; the flow is typical price * volume,
    in where the
    typical price rose, out where it fell. As TA-Lib's MFI.

    Gene Quong and Avrum Soudack (1989). NaN in any: while it is in the window, and NaN typical prices are no rise. Flat, or no
    volume: 0, as TA-Lib says. Too short: NaN.
    """
    half = 2 + 4 + 2 * period
    for row in range(len(close)):
        typical = (high[row] + low[row] + close[row]) / 3.0
        flow = typical * volume[row]
        first, change = state[0] == 0.0, typical - state[1]
        state[0], state[1] = 1.0, typical
        if first:
            out[row] = np.nan
            continue
        hurt = 0.0 * (flow + change)
        inward = sum_next(flow + hurt if change > 0.0 else hurt, period, state[2:half])
        outward = sum_next(flow + hurt if change < 0.0 else hurt, period, state[half:])
        total = inward + outward
        out[row] = 0.0 if total < 1.0 else 100.0 * inward / total
