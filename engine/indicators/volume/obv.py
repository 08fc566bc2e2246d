"""On-balance volume."""

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
def obv(close, volume, state, out):
    """On-balance volume: volume added where the close rose, subtracted where it fell; starts at the
    first bar's volume, as TA-Lib's OBV.

    Joseph Granville (1963). What it counts from is where the run of bars begins (a month's first
    session), so its changes have meaning, its level none. NaN in either: NaN at that row, which is
    otherwise passed over. Flat: no change. Zero volume: no change. Too short: it has a value from
    the first row.
    """
    seen, last, total = state[0], state[1], state[2]
    for row in range(len(close)):
        price, shares = close[row], volume[row]
        if np.isnan(price + shares):
            out[row] = np.nan
            continue
        if seen == 0.0:
            seen, total = 1.0, shares
        else:
            total += shares if price > last else -shares if price < last else 0.0
        last = price
        out[row] = total
    state[0], state[1], state[2] = seen, last, total
