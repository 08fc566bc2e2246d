"""Relative volume by time of day."""

import numpy as np

from engine.compute.shared.rounding import between
from engine.indicators.register import Param, register


def state_size(period: int, slots: int) -> int:
    """session, sessions begun, place in the ring, and for each slot a ring of the last sessions and
    this one.
    """
    return 3 + slots * (period + 1)


def warmup(period: int) -> int:
    """Rows up to and including the first value, where a session has one row."""
    return period + 1


def session_window(period: int) -> int:
    """How many earlier sessions it looks at."""
    return period


@register(
    inputs=("session_volume", "slot", "session"),
    params=(Param("period", 20, 1),),
    state_size=state_size,
    warmup=warmup,
    session_window=session_window,
    rows="ticks",
)
def rvol(session_volume, slot, session, period, slots, state, out):
    """Relative volume: the session's volume so far over its mean at the same time of day in the
    last `period` sessions.

    One row a tick; `slot` numbers the times of day, 0 .. slots - 1. A session that had no such time
    (an early close) is left out of the mean; one without a trade counts as 0. NaN volume: NaN at
    that row. No volume in all those sessions: NaN. Fewer earlier sessions: NaN.
    """
    current, begun, place = state[0], state[1], int(state[2])
    width = period + 1
    rings = state[3:]
    for row in range(len(session_volume)):
        if session[row] != current or begun == 0.0:
            current = session[row]
            begun += 1.0
            place = place + 1 if place + 1 < width else 0
            for i in range(slots):
                rings[i * width + place] = np.nan
        ring = rings[int(slot[row]) * width : (int(slot[row]) + 1) * width]
        ring[place] = np.nan
        total, sessions, least, greatest = 0.0, 0, np.inf, -np.inf
        for i in range(width):
            if ring[i] == ring[i]:
                total += ring[i]
                least, greatest = min(least, ring[i]), max(greatest, ring[i])
                sessions += 1
        ring[place] = session_volume[row]
        known = begun > period and total > 0.0
        out[row] = (
            session_volume[row] / between(total / sessions, least, greatest) if known else np.nan
        )
    state[0], state[1], state[2] = current, begun, place
