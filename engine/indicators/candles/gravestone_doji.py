"""Gravestone doji."""

from engine.compute.shared.candle_shapes import CANDLES_SIZE, candles, doji_with_shadow
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
def gravestone_doji(open, high, low, close, state, work, out):
    """Gravestone doji: a doji with hardly a lower shadow and a longer upper one. 100 where it is
    there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDLGRAVESTONEDOJI. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    doji_with_shadow(candle, candle.upper, candle.lower, work, out)
