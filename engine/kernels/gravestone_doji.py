"""Gravestone doji."""

from engine.kernels.jit import kernel
from engine.kernels.shared.candles import CANDLES_SIZE, before, candles, lag


def state_size() -> int:
    """The candles before."""
    return CANDLES_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 11


def settle() -> int:
    """Rows after which what was before does not matter."""
    return warmup()


@kernel
def gravestone_doji(open, high, low, close, state, work, out):
    """Gravestone doji: a doji with hardly a lower shadow and a longer upper one. 100 where it is there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's CDLGRAVESTONEDOJI. NaN: while a candle
    that it looks at is. Flat: 0. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    body, upper, lower = lag(candle.body, 0), lag(candle.upper, 0), lag(candle.lower, 0)
    usual = lag(before(candle.span, 10, work), 0)
    for row in range(len(out)):
        tiny = 0.1 * usual[row]
        found = (body[row] <= tiny) & (lower[row] < tiny) & (upper[row] > tiny)
        out[row] = (100.0 if found else 0.0) + 0.0 * (body[row] + upper[row] + lower[row] + tiny)
