"""Doji."""

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
def doji(open, high, low, close, state, work, out):
    """Doji: a body of at most a tenth of the span of the 10 candles before. 100 where it is there, 0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's CDLDOJI. NaN: while a candle that it
    looks at is. Flat: 100. Too short: NaN.
    """
    candle = candles(open, high, low, close, state, work)
    body, usual = lag(candle.body, 0), lag(before(candle.span, 10, work), 0)
    for row in range(len(out)):
        found = body[row] <= 0.1 * usual[row]
        out[row] = (100.0 if found else 0.0) + 0.0 * (body[row] + usual[row])
