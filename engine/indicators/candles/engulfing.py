"""Engulfing."""

from engine.compute.shared.candle_shapes import CANDLES_SIZE, bottom, candles, lag, top
from engine.indicators.register import register


def state_size() -> int:
    """The candles before."""
    return CANDLES_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 2


@register(
    inputs=("open", "high", "low", "close"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def engulfing(open, high, low, close, state, work, out):
    """Engulfing: a body that covers the last one, of the other colour; 80 in place of 100 where an
    end is equal. 100 for a rising one, -100 for a falling one, 0 where there is none.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDLENGULFING. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    opens, closes = lag(candle.open, 0), lag(candle.close, 0)
    last_opens, last_closes = lag(candle.open, 1), lag(candle.close, 1)
    for row in range(len(out)):
        rising, rose = closes[row] >= opens[row], last_closes[row] >= last_opens[row]
        high, low = top(opens[row], closes[row]), bottom(opens[row], closes[row])
        last_high, last_low = (
            top(last_opens[row], last_closes[row]),
            bottom(last_opens[row], last_closes[row]),
        )
        covers = (high >= last_high) & (low <= last_low) & ((high > last_high) | (low < last_low))
        size = 100.0 if (high != last_high) & (low != last_low) else 80.0
        size = size if covers & (rising != rose) else 0.0
        out[row] = (size if rising else -size) + 0.0 * (
            opens[row] + closes[row] + last_opens[row] + last_closes[row]
        )
