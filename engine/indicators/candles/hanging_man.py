"""Hanging man."""

from engine.compute.shared.candle_shapes import (
    CANDLES_SIZE,
    before,
    bottom,
    candles,
    lag,
    short_body_with_shadow,
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
def hanging_man(open, high, low, close, state, work, out):
    """Hanging man: a short body, a lower shadow longer than it, hardly an upper one, near or above
    the last high. -100 where it is there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDLHANGINGMAN. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    short_body_with_shadow(candle, candle.lower, candle.upper, -100.0, work, out)
    opens, closes = lag(candle.open, 0), lag(candle.close, 0)
    last, near = lag(candle.high, 1), lag(before(candle.span, 5, work), 1)
    for row in range(len(out)):
        found = bottom(opens[row], closes[row]) >= last[row] - 0.2 * near[row]
        out[row] = (out[row] if found else 0.0 * out[row]) + 0.0 * (last[row] + near[row])
