"""New session highs and lows."""

import numpy as np

from engine.indicators.register import register


def state_size() -> int:
    """session, highest, lowest, bars since each."""
    return 5


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


@register(
    inputs=("high", "low", "session", "regular"),
    outputs=("new_high", "new_low", "since_high", "since_low"),
    state_size=state_size,
    warmup=warmup,
    of_session=True,
)
def session_extremes(high, low, session, regular, state, new_high, new_low, since_high, since_low):
    """Whether the bar made a new high, or low, of the session's regular hours (1 or 0), and how
    many bars ago the session's high and low were made (of equals the first).

    NaN in either, and outside regular hours: NaN at that row, which is otherwise passed over. Flat:
    new at the first bar, then 0 and counting. Too short: it has a value from the session's first
    regular bar.
    """
    current, top, bottom, top_age, bottom_age = state[0], state[1], state[2], state[3], state[4]
    for row in range(len(new_high)):
        if session[row] != current:
            current, top, bottom, top_age, bottom_age = session[row], -np.inf, np.inf, 0.0, 0.0
        if regular[row] == 0.0 or np.isnan(high[row] + low[row]):
            new_high[row] = new_low[row] = since_high[row] = since_low[row] = np.nan
            continue
        higher, lower = high[row] > top, low[row] < bottom
        top, bottom = max(top, high[row]), min(bottom, low[row])
        top_age, bottom_age = 0.0 if higher else top_age + 1.0, 0.0 if lower else bottom_age + 1.0
        new_high[row], new_low[row] = 1.0 if higher else 0.0, 1.0 if lower else 0.0
        since_high[row], since_low[row] = top_age, bottom_age
    state[0], state[1], state[2], state[3], state[4] = current, top, bottom, top_age, bottom_age
