"""Gap at the open."""

import numpy as np

from engine.indicators.register import register


def state_size() -> int:
    """session, the last regular close before it, the latest regular close, the gap."""
    return 4


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


def session_window() -> int:
    """How many earlier sessions it looks at."""
    return 1


@register(
    inputs=("open", "close", "session", "regular"),
    state_size=state_size,
    warmup=warmup,
    session_window=session_window,
    of_session=True,
)
def gap_percent(open, close, session, regular, state, out):
    """Gap in percent: 100 * (open of the session's first regular bar / last regular close of the
    session before - 1).

    It has a value from the session's first regular bar on. NaN in either: NaN at that row, which is
    otherwise passed over. Flat: 0. No session before: NaN. Too short: NaN.
    """
    current, before, latest, gap = state[0], state[1], state[2], state[3]
    for row in range(len(out)):
        if session[row] != current:
            current, before, gap = session[row], latest if current > 0.0 else np.nan, np.nan
        if np.isnan(open[row] + close[row]):
            out[row] = np.nan
            continue
        if regular[row] > 0.0:
            if gap != gap and before > 0.0:
                gap = 100.0 * (open[row] / before - 1.0)
            latest = close[row]
        out[row] = gap
    state[0], state[1], state[2], state[3] = current, before, latest, gap
