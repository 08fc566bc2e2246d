"""Anchored volume-weighted average price."""

import numpy as np

from engine.compute.shared.rounding import between, typical
from engine.indicators.register import Param, register


def state_size(sessions: int) -> int:
    """session, sessions begun, place; turnover, volume, least and greatest price of each session of
    the window.
    """
    return 3 + 4 * (sessions + 1)


def warmup(sessions: int) -> int:
    """Rows up to and including the first value."""
    return 1


def session_window(sessions: int) -> int:
    """How many earlier sessions it looks at."""
    return sessions


@register(
    inputs=("high", "low", "close", "volume", "session", "regular"),
    params=(Param("sessions", 5, 1, 250),),
    state_size=state_size,
    warmup=warmup,
    session_window=session_window,
    of_session=True,
)
def anchored_vwap(high, low, close, volume, session, regular, sessions, state, out):
    """Volume-weighted average price since the open of the session `sessions` sessions ago, regular
    hours: sum(typical x volume) / sum(volume), typical = (high + low + close) / 3, kept between the
    least and the greatest typical price that had volume.

    NaN in a price or volume: NaN at that row, which is otherwise passed over. Flat: the price. No
    volume: NaN. Fewer earlier sessions (too short): NaN.
    """
    current, begun, place = state[0], state[1], int(state[2])
    size = sessions + 1
    turnovers, volumes = state[3 : 3 + size], state[3 + size : 3 + 2 * size]
    lows, highs = state[3 + 2 * size : 3 + 3 * size], state[3 + 3 * size :]
    for row in range(len(out)):
        if session[row] != current:
            current = session[row]
            begun += 1.0
            place = place + 1 if place < sessions else 0
            turnovers[place] = volumes[place] = 0.0
            lows[place], highs[place] = np.inf, -np.inf
        if row == 0 or session[row] != session[row - 1]:
            turnover_before, volume_before, low_before, high_before = 0.0, 0.0, np.inf, -np.inf
            for i in range(size):
                if i != place and volumes[i] > 0.0:
                    turnover_before += turnovers[i]
                    volume_before += volumes[i]
                    low_before, high_before = min(low_before, lows[i]), max(high_before, highs[i])
        price = typical(high[row], low[row], close[row])
        amount = price * volume[row]
        if amount != amount:
            out[row] = np.nan
            continue
        if regular[row] > 0.0 and volume[row] > 0.0:
            turnovers[place] += amount
            volumes[place] += volume[row]
            lows[place], highs[place] = min(lows[place], price), max(highs[place], price)
        total, least, greatest = (
            volume_before + volumes[place],
            min(low_before, lows[place]),
            max(high_before, highs[place]),
        )
        average = between((turnover_before + turnovers[place]) / total, least, greatest)
        out[row] = average if total > 0.0 and begun > sessions else np.nan
    state[0], state[1], state[2] = current, begun, place
