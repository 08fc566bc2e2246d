"""Evening star."""

from engine.compute.shared.candle_shapes import CANDLES_SIZE, bottom, candles, lag, only_stars, top
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
def evening_star(open, high, low, close, state, work, out):
    """Evening star: a long rising body, a short one above it, then a falling one that closes well
    within the first. -100 where it is there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's
    CDLEVENINGSTAR. NaN: while a candle that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    opens, closes = lag(candle.open, 0), lag(candle.close, 0)
    middle_opens, middle_closes = lag(candle.open, 1), lag(candle.close, 1)
    first_opens, first_closes = lag(candle.open, 2), lag(candle.close, 2)
    for row in range(len(out)):
        found = (closes[row] < opens[row]) & (first_closes[row] >= first_opens[row])
        found &= bottom(middle_opens[row], middle_closes[row]) > top(
            first_opens[row], first_closes[row]
        )
        found &= closes[row] < first_closes[row] - 0.3 * abs(first_closes[row] - first_opens[row])
        out[row] = -100.0 if found else 0.0
    only_stars(candle, work, out)
