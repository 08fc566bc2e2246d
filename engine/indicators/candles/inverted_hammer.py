"""Inverted hammer."""

from engine.compute.shared.candle_shapes import (
    CANDLES_SIZE,
    bottom,
    candles,
    lag,
    short_body_with_shadow,
    top,
)
from engine.indicators.register import register


def state_size() -> int:
    """The candles before."""
    return CANDLES_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 11


@register(
    inputs=("open", "high", "low", "close"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def inverted_hammer(open, high, low, close, state, work, out):
    """Inverted hammer: a short body below the last one, an upper shadow longer than it, hardly a
    lower one. 100 where it is there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDLINVERTEDHAMMER. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    short_body_with_shadow(candle, candle.upper, candle.lower, 100.0, work, out)
    opens, closes = lag(candle.open, 0), lag(candle.close, 0)
    last_opens, last_closes = lag(candle.open, 1), lag(candle.close, 1)
    for row in range(len(out)):
        found = top(opens[row], closes[row]) < bottom(last_opens[row], last_closes[row])
        out[row] = (out[row] if found else 0.0 * out[row]) + 0.0 * (
            last_opens[row] + last_closes[row]
        )
