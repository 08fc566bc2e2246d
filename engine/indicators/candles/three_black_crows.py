"""Three black crows."""

from engine.compute.shared.candle_shapes import CANDLES_SIZE, before, candles, lag
from engine.indicators.register import register


def state_size() -> int:
    """The candles before."""
    return CANDLES_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 13


@register(
    inputs=("open", "high", "low", "close"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def three_black_crows(open, high, low, close, state, work, out):
    """Three black crows: after a rising candle three falling ones with hardly a lower shadow, each
    opening within the last body and closing lower. -100 where it is there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDL3BLACKCROWS. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    tiny = before(candle.span, 10, work)
    out[:] = -100.0
    for ago in range(3):
        opens, closes = lag(candle.open, ago), lag(candle.close, ago)
        lower, usual = lag(candle.lower, ago), lag(tiny, ago)
        for row in range(len(out)):
            found = (closes[row] < opens[row]) & (lower[row] < 0.1 * usual[row])
            out[row] = (out[row] if found else 0.0 * out[row]) + 0.0 * (
                opens[row] + closes[row] + lower[row] + usual[row]
            )
    for ago in range(2):
        opens, closes = lag(candle.open, ago), lag(candle.close, ago)
        last_opens, last_closes = lag(candle.open, ago + 1), lag(candle.close, ago + 1)
        for row in range(len(out)):
            found = (
                (opens[row] < last_opens[row])
                & (opens[row] > last_closes[row])
                & (closes[row] < last_closes[row])
            )
            out[row] = out[row] if found else 0.0 * out[row]
    opens, closes, highs, crow = (
        lag(candle.open, 3),
        lag(candle.close, 3),
        lag(candle.high, 3),
        lag(candle.close, 2),
    )
    for row in range(len(out)):
        found = (closes[row] >= opens[row]) & (highs[row] > crow[row])
        out[row] = (out[row] if found else 0.0 * out[row]) + 0.0 * (
            opens[row] + closes[row] + highs[row]
        )
