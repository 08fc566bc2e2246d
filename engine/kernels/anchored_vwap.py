"""Anchored volume-weighted average price."""

import numpy as np

from engine.kernels.jit import kernel


def state_size(sessions: int) -> int:
    """session, sessions begun, place; turnover and volume of each session of the window."""
    return 3 + 2 * (sessions + 1)


def warmup(sessions: int) -> int:
    """Rows up to and including the first value."""
    return 1


def settle(sessions: int) -> int:
    """Rows after which what was before does not matter."""
    return 1


def session_window(sessions: int) -> int:
    """How many earlier sessions it looks at."""
    return sessions


@kernel
def anchored_vwap(high, low, close, volume, session, regular, sessions, state, out):
    """Volume-weighted average price since the open of the session `sessions` sessions ago, regular hours: sum(typical x volume)
    / sum(volume), typical = (high + low + close) / 3.

    NaN in a price or volume: NaN at that row, which is otherwise passed over. Flat: the price. No volume: NaN. Fewer earlier
    sessions (too short): NaN.
    """
    current, begun, place = state[0], state[1], int(state[2])
    turnovers, volumes = state[3 : 4 + sessions], state[4 + sessions :]
    for row in range(len(out)):
        if session[row] != current:
            current = session[row]
            begun += 1.0
            place = place + 1 if place < sessions else 0
            turnovers[place] = volumes[place] = 0.0
        if row == 0 or session[row] != session[row - 1]:
            turnover_before, volume_before = 0.0, 0.0
            for i in range(sessions + 1):
                turnover_before += turnovers[i] if i != place else 0.0
                volume_before += volumes[i] if i != place else 0.0
        amount = (high[row] + low[row] + close[row]) / 3.0 * volume[row]
        if amount != amount:
            out[row] = np.nan
            continue
        if regular[row] > 0.0:
            turnovers[place] += amount
            volumes[place] += volume[row]
        total = volume_before + volumes[place]
        out[row] = (turnover_before + turnovers[place]) / total if total > 0.0 and begun > sessions else np.nan
    state[0], state[1], state[2] = current, begun, place
