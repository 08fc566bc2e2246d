"""Klinger oscillator."""

import numpy as np

from engine.compute.shared.rounding import moved
from engine.compute.shared.scratch import take
from engine.compute.shared.smooth import rows_to_forget, smooth
from engine.indicators.register import Param, register


def state_size(fast: int, slow: int, signal: int) -> int:
    """Whether there was a bar, its typical sum, trend, range, cumulative range; three averages."""
    return 5 + 6


def warmup(fast: int, slow: int, signal: int) -> int:
    """Rows up to and including the first value."""
    return max(fast, slow) + signal


def settle(fast: int, slow: int, signal: int) -> int:
    """Rows after which what was before does not matter."""
    return (
        warmup(fast, slow, signal)
        + rows_to_forget(2.0 / (max(fast, slow) + 1))
        + rows_to_forget(2.0 / (signal + 1))
        + 50
    )


@register(
    inputs=("high", "low", "close", "volume"),
    params=(Param("fast", 34, 2), Param("slow", 55, 2), Param("signal", 13, 1)),
    outputs=("klinger", "signal_line"),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def klinger(high, low, close, volume, fast, slow, signal, state, work, klinger, signal_line):
    """Klinger volume oscillator: EMA(fast) - EMA(slow) of the volume force, and its EMA(signal).
    Force = 100 * volume * trend * |2 * range / cumulative range - 1|; the trend is 1 where high +
    low + close rose by more than rounding, else -1; the cumulative range adds high - low up while
    the trend lasts, and starts from the last bar's when it turns.

    Stephen Klinger, Technical Analysis of Stocks & Commodities (1997). NaN in any: NaN at that row,
    which is otherwise passed over. Flat: 0 (no range). Zero volume: counts 0. Too short: NaN.
    """
    seen, last, trend, last_range, total = state[0], state[1], state[2], state[3], state[4]
    force = take(len(klinger), work)
    for row in range(len(force)):
        level, reach = high[row] + low[row] + close[row], high[row] - low[row]
        force[row] = np.nan
        if np.isnan(level + volume[row]):
            continue
        if seen > 0.0:
            turn = 1.0 if moved(level, last) > 0.0 else -1.0
            total = total + reach if turn == trend else last_range + reach
            trend = turn
            force[row] = (
                100.0 * volume[row] * trend * abs(2.0 * reach / total - 1.0) if total > 0.0 else 0.0
            )
        seen, last, last_range = 1.0, level, reach
    state[0], state[1], state[2], state[3], state[4] = seen, last, trend, last_range, total
    smooth(force, fast, 2.0 / (fast + 1.0), state[5:7], klinger)
    smooth(force, slow, 2.0 / (slow + 1.0), state[7:9], force)
    for row in range(len(force)):
        klinger[row] -= force[row]
    smooth(klinger, signal, 2.0 / (signal + 1.0), state[9:], signal_line)
