"""Dark cloud cover."""

from engine.compute.shared.candle_shapes import CANDLES_SIZE, before, candles, lag
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
def dark_cloud_cover(open, high, low, close, state, work, out):
    """Dark cloud cover: a long rising body, then a falling one that opens above the last high and
    closes below the middle of the last body. -100 where it is there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDLDARKCLOUDCOVER. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    opens, closes = lag(candle.open, 0), lag(candle.close, 0)
    last_opens, last_closes, last = lag(candle.open, 1), lag(candle.close, 1), lag(candle.high, 1)
    for row in range(len(out)):
        half = 0.5 * abs(last_closes[row] - last_opens[row])
        found = (last_closes[row] >= last_opens[row]) & (closes[row] < opens[row])
        found &= (
            (opens[row] > last[row])
            & (closes[row] > last_opens[row])
            & (closes[row] < last_closes[row] - half)
        )
        out[row] = (-100.0 if found else 0.0) + 0.0 * (opens[row] + closes[row] + last[row])
    last_body = lag(candle.body, 1)
    usual = before(candle.body, 10, work)
    last_usual = lag(usual, 1)
    for row in range(len(out)):
        found = last_body[row] > last_usual[row]
        out[row] = (out[row] if found else 0.0 * out[row]) + 0.0 * (
            last_body[row] + last_usual[row]
        )
