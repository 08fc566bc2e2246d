"""Harami."""

from engine.compute.shared.candle_shapes import CANDLES_SIZE, before, bottom, candles, lag, top
from engine.indicators.register import register


def state_size() -> int:
    """The candles before."""
    return CANDLES_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 12


@register(
    inputs=("open", "high", "low", "close"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def harami(open, high, low, close, state, work, out):
    """Harami: a short body within the last, long one; 80 in place of 100 where an end is equal. 100
    for a rising one, -100 for a falling one, 0 where there is none.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's CDLHARAMI.
    NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    opens, closes = lag(candle.open, 0), lag(candle.close, 0)
    last_opens, last_closes = lag(candle.open, 1), lag(candle.close, 1)
    for row in range(len(out)):
        high, low = top(opens[row], closes[row]), bottom(opens[row], closes[row])
        last_high, last_low = (
            top(last_opens[row], last_closes[row]),
            bottom(last_opens[row], last_closes[row]),
        )
        size = (
            100.0
            if (high < last_high) & (low > last_low)
            else 80.0
            if (high <= last_high) & (low >= last_low)
            else 0.0
        )
        out[row] = (-size if last_closes[row] >= last_opens[row] else size) + 0.0 * (
            opens[row] + closes[row]
        )
    body, last_body, usual = lag(candle.body, 0), lag(candle.body, 1), before(candle.body, 10, work)
    short, long = lag(usual, 0), lag(usual, 1)
    for row in range(len(out)):
        found = (last_body[row] > long[row]) & (body[row] <= short[row])
        out[row] = (out[row] if found else 0.0 * out[row]) + 0.0 * (
            last_body[row] + short[row] + long[row]
        )
