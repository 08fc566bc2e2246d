"""What candlestick patterns are made of: the parts of a candle, and what is long or short beside
those before it.

Long, short, tiny and near are meant as TA-Lib means them: against the mean of the 10 (or 5) candles
before.
"""

from collections import namedtuple

import numpy as np

from engine.compute.shared.mean import mean_of_joined
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import past_size, with_past
from engine.runtime.jit import njit

CANDLES_BEFORE = 13  # ten to compare with, before the first of four
CANDLES_SIZE = 4 * past_size(CANDLES_BEFORE)

Candles = namedtuple("Candles", "open high low close body upper lower span")


@njit
def candles(opens, highs, lows, closes, state, work):
    """The parts of the candles and of the 13 before them, each an array: see `lag` for the one of a
    row.

    body = |close - open|, upper and lower: the shadows, span = high - low. state: `CANDLES_SIZE`.
    """
    size = CANDLES_BEFORE + 1
    o = with_past(opens, CANDLES_BEFORE, state[:size], work)
    h = with_past(highs, CANDLES_BEFORE, state[size : 2 * size], work)
    l = with_past(lows, CANDLES_BEFORE, state[2 * size : 3 * size], work)  # noqa: E741
    c = with_past(closes, CANDLES_BEFORE, state[3 * size :], work)
    body, upper, lower, span = (
        take(len(o), work),
        take(len(o), work),
        take(len(o), work),
        take(len(o), work),
    )
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
    """Of an array with 13 candles before, the value `rows_ago` rows before each row: 0 for the row
    itself, 3 at most.
    """
    return values[CANDLES_BEFORE - rows_ago : len(values) - rows_ago]


@njit
def top(opens, closes):
    """The upper end of a body."""
    return opens if opens > closes else closes


@njit
def bottom(opens, closes):
    """The lower end of a body."""
    return opens if opens < closes else closes


@njit
def doji_with_shadow(candle, longer, shorter, work, out):
    """Write 100 for a doji with hardly one shadow and a longer other one; `longer`, `shorter`: the
    candles' shadows.
    """
    body, long, short = lag(candle.body, 0), lag(longer, 0), lag(shorter, 0)
    usual = lag(before(candle.span, 10, work), 0)
    for row in range(len(out)):
        tiny = 0.1 * usual[row]
        found = (body[row] <= tiny) & (short[row] < tiny) & (long[row] > tiny)
        out[row] = (100.0 if found else 0.0) + 0.0 * (body[row] + long[row] + short[row] + tiny)


@njit
def short_body_with_shadow(candle, longer, shorter, value, work, out):
    """Write `value` for a short body with one shadow longer than it and hardly another."""
    body, long, short = lag(candle.body, 0), lag(longer, 0), lag(shorter, 0)
    usual, tiny = lag(before(candle.body, 10, work), 0), lag(before(candle.span, 10, work), 0)
    for row in range(len(out)):
        found = (body[row] < usual[row]) & (long[row] > body[row]) & (short[row] < 0.1 * tiny[row])
        out[row] = (value if found else 0.0) + 0.0 * (
            body[row] + long[row] + short[row] + usual[row] + tiny[row]
        )


@njit
def only_stars(candle, work, out):
    """Keep what is found where the first of three bodies is long, the middle one short and the last
    one not.
    """
    body, middle, first, usual = (
        lag(candle.body, 0),
        lag(candle.body, 1),
        lag(candle.body, 2),
        before(candle.body, 10, work),
    )
    usual_0, usual_1, usual_2 = lag(usual, 0), lag(usual, 1), lag(usual, 2)
    for row in range(len(out)):
        found = (
            (first[row] > usual_2[row]) & (middle[row] <= usual_1[row]) & (body[row] > usual_0[row])
        )
        all_known = 0.0 * (
            body[row] + middle[row] + first[row] + usual_0[row] + usual_1[row] + usual_2[row]
        )
        out[row] = (out[row] if found else 0.0) + all_known
