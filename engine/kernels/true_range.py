"""True range."""

from engine.kernels.jit import kernel
from engine.kernels.shared.ranges import RANGES_SIZE, true_ranges


def state_size() -> int:
    """The last close."""
    return RANGES_SIZE


def warmup() -> int:
    """Rows up to and including the first value."""
    return 2


def window() -> int:
    """Rows of which a value is an exact function."""
    return 2


@kernel
def true_range(high, low, close, state, out):
    """True range: max(high, last close) - min(low, last close), as TA-Lib's TRANGE.

    J. Welles Wilder (1978). NaN in any: NaN at that row and the next. Flat: 0. Too short (the first bar): NaN.
    """
    true_ranges(high, low, close, state, out)
