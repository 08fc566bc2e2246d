"""Doji."""

from engine.compute.shared.mean import mean_of_joined
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import register


def state_size() -> int:
    """The candles before."""
    return past_size(10)


def warmup() -> int:
    """Rows up to and including the first value."""
    return 11


@register(
    inputs=("open", "high", "low", "close"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def doji(open, high, low, close, state, work, out):
    """Doji: a body of at most a tenth of the span of the 10 candles before. 100 where it is there,
    0 where not.

    Steve Nison, Japanese Candlestick Charting Techniques (1991); conditions as TA-Lib's CDLDOJI.
    NaN: while a candle that it looks at is. Flat: 100. Too short: NaN.
    """
    for row in range(len(out)):
        out[row] = high[row] - low[row]
    usual = take(len(out), work)
    mean_of_joined(with_past(out, 10, state, work)[:-1], 10, work, usual)
    for row in range(len(out)):
        body = abs(close[row] - open[row])
        out[row] = (100.0 if body <= 0.1 * usual[row] else 0.0) + 0.0 * (body + usual[row])
