"""Spinning top."""

from engine.compute.shared.candle_shapes import CANDLES_SIZE, before, candles, lag
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
def spinning_top(open, high, low, close, state, work, out):
    """Spinning top: a short body with both shadows longer than it. 100 for a rising one, -100 for a
    falling one, 0 where there is none.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDLSPINNINGTOP. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    body, upper, lower = lag(candle.body, 0), lag(candle.upper, 0), lag(candle.lower, 0)
    usual = lag(before(candle.body, 10, work), 0)
    for row in range(len(out)):
        found = (body[row] < usual[row]) & (upper[row] > body[row]) & (lower[row] > body[row])
        out[row] = (100.0 if found else 0.0) + 0.0 * (
            body[row] + upper[row] + lower[row] + usual[row]
        )
    opens, closes = lag(candle.open, 0), lag(candle.close, 0)
    for row in range(len(out)):
        out[row] = out[row] if closes[row] >= opens[row] else -out[row]
