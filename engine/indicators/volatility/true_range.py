"""True range."""

from engine.compute.shared.ranges import RANGES_SIZE, true_ranges
from engine.indicators.register import register


def state_size() -> int:
    """The last close."""
    return RANGES_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 2


@register(
    inputs=("high", "low", "close"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def true_range(high, low, close, state, out):
    """True range: max(high, last close) - min(low, last close), as TA-Lib's TRANGE.

    J. Welles Wilder (1978). NaN in any: NaN at that row and the next. Flat: 0. Too short (the first
    bar): NaN.
    """
    true_ranges(high, low, close, state, out)
