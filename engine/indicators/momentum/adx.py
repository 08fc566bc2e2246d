"""Average directional index."""

import numpy as np

from engine.compute.shared.smooth import mean_next, rows_to_forget
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """Length of the state."""
    return 10


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return 2 * period


def settle(period: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period) + 2 * rows_to_forget(1.0 / period)


@register(
    inputs=("high", "low", "close"),
    params=(Param("period", 14, 2),),
    outputs=("adx", "plus_di", "minus_di"),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def adx(high, low, close, period, state, adx, plus_di, minus_di):
    """Wilder's average directional index, and the directional indicators +DI and -DI it is made of.

    J. Welles Wilder (1978): sums of directional movement and true range decay by 1 / period a bar;
    DI = 100 * movement / true range; ADX smooths 100 * |+DI - -DI| / (+DI + -DI) likewise. Seeded
    as TA-Lib's ADX, PLUS_DI and MINUS_DI; the DIs start `period` bars before the ADX. NaN in any:
    NaN at that row, which is otherwise passed over. Flat: 0. Too short: NaN.
    """
    # state: bars, last high, low, close; sums of +DM, -DM, TR; count of DX, their average
    for row in range(len(close)):
        adx[row] = plus_di[row] = minus_di[row] = np.nan
        if np.isnan(high[row] - low[row] + close[row]):
            continue
        bars = state[0]
        up, down = high[row] - state[1], state[2] - low[row]
        reach = max(high[row], state[3]) - min(low[row], state[3])
        state[0], state[1], state[2], state[3] = bars + 1.0, high[row], low[row], close[row]
        if bars == 0.0:
            continue
        decay = 1.0 / period if bars >= period else 0.0
        state[4] += (up if up > 0.0 and up > down else 0.0) - state[4] * decay
        state[5] += (down if down > 0.0 and down > up else 0.0) - state[5] * decay
        state[6] += reach - state[6] * decay
        if bars < period:
            continue
        plus = 100.0 * min(1.0, state[4] / state[6]) if state[6] > 0.0 else 0.0
        minus = 100.0 * min(1.0, state[5] / state[6]) if state[6] > 0.0 else 0.0
        plus_di[row], minus_di[row] = plus, minus
        apart = 100.0 * (abs(plus - minus) / (plus + minus)) if plus + minus > 0.0 else 0.0
        state[7] += 1.0
        state[8] = mean_next(state[8], apart, min(state[7], period))
        if state[7] >= period:
            adx[row] = state[8]
