"""Three white soldiers."""

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
def three_white_soldiers(open, high, low, close, state, work, out):
    """Three white soldiers: three rising candles with hardly an upper shadow, each opening within
    or near the last body, closing higher, and not much shorter. 100 where it is there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDL3WHITESOLDIERS. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    tiny, near = before(candle.span, 10, work), before(candle.span, 5, work)
    out[:] = 100.0
    for ago in range(3):
        opens, closes = lag(candle.open, ago), lag(candle.close, ago)
        upper, usual = lag(candle.upper, ago), lag(tiny, ago)
        for row in range(len(out)):
            found = (closes[row] >= opens[row]) & (upper[row] < 0.1 * usual[row])
            out[row] = (out[row] if found else 0.0 * out[row]) + 0.0 * (
                opens[row] + closes[row] + upper[row] + usual[row]
            )
    for ago in range(2):
        opens, closes, body = lag(candle.open, ago), lag(candle.close, ago), lag(candle.body, ago)
        last_opens, last_closes, last_body = (
            lag(candle.open, ago + 1),
            lag(candle.close, ago + 1),
            lag(candle.body, ago + 1),
        )
        usual = lag(near, ago + 1)
        for row in range(len(out)):
            found = (closes[row] > last_closes[row]) & (opens[row] > last_opens[row])
            found &= opens[row] <= last_closes[row] + 0.2 * usual[row]
            found &= body[row] > last_body[row] - 0.6 * usual[row]
            out[row] = (out[row] if found else 0.0 * out[row]) + 0.0 * usual[row]
    body, short = lag(candle.body, 0), lag(before(candle.body, 10, work), 0)
    for row in range(len(out)):
        out[row] = (out[row] if body[row] > short[row] else 0.0 * out[row]) + 0.0 * short[row]
