"""Balance of power."""

from engine.indicators.register import register


def state_size() -> int:
    """Length of the state."""
    return 1


def warmup() -> int:
    """Rows up to and including the first value."""
    return 1


@register(
    inputs=("open", "high", "low", "close"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def bop(open, high, low, close, state, out):
    """Balance of power: (close - open) / (high - low), as TA-Lib's BOP.

    NaN in any: NaN at that row. Flat (high = low): 0. Too short: it needs no other row, so never
    NaN for that.
    """
    for row in range(len(close)):
        reach = high[row] - low[row]
        out[row] = (close[row] - open[row]) / reach if reach != 0.0 else 0.0
