"""What candlestick patterns are made of: the parts of a candle, and what is long or short beside those before it.

Long, short, tiny and near are meant as TA-Lib means them: against the mean of the 10 (or 5) candles before.
"""

from collections import namedtuple

import numpy as np

from engine.kernels.jit import njit
from engine.kernels.shared.mean import mean_of_joined
from engine.kernels.shared.past import past_size, with_past
from engine.kernels.shared.work import take

CANDLES_BEFORE = 13  # ten to compare with, before the first of four
CANDLES_SIZE = 4 * past_size(CANDLES_BEFORE)

Candles = namedtuple("Candles", "open high low close body upper lower span")


@njit
def candles(opens, highs, lows, closes, state, work):
    """The parts of the candles and of the 13 before them, each an array: see `lag` for the one of a row.

    body = |close - open|, upper and lower: the shadows, span = high - low. state: `CANDLES_SIZE`.
    """
    size = CANDLES_BEFORE + 1
    o = with_past(opens, CANDLES_BEFORE, state[:size], work)
    h = with_past(highs, CANDLES_BEFORE, state[size : 2 * size], work)
    l = with_past(lows, CANDLES_BEFORE, state[2 * size : 3 * size], work)  # noqa: E741
    c = with_past(closes, CANDLES_BEFORE, state[3 * size :], work)
    body, upper, lower, span = take(len(o), work), take(len(o), work), take(len(o), work), take(len(o), work)
    for i in range(len(o)):
        body[i] = abs(c[i] - o[i])
    for i in range(len(o)):
        upper[i] = h[i] - (c[i] if c[i] > o[i] else o[i])
    for i in range(len(o)):
        lower[i] = (o[i] if c[i] > o[i] else c[i]) - l[i]
    for i in range(len(o)):
        span[i] = h[i] - l[i]
    return Candles(o, h, l, c, body, upper, lower, span)


@njit
def before(values, period, work):
    """The mean of the `period` values before each, 10 at most."""
    out = take(len(values), work)
    out[:period] = np.nan
    mean_of_joined(values[:-1], period, work, out[period:])
    return out


@njit
def lag(values, rows_ago):
    """Of an array with 13 candles before, the value `rows_ago` rows before each row: 0 for the row itself, 3 at most."""
    return values[CANDLES_BEFORE - rows_ago : len(values) - rows_ago]


@njit
def top(opens, closes):
    """The upper end of a body."""
    return opens if opens > closes else closes


@njit
def bottom(opens, closes):
    """The lower end of a body."""
    return opens if opens < closes else closes
