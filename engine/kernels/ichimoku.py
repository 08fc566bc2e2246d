"""Ichimoku."""

from engine.kernels.jit import kernel
from engine.kernels.steps import peak_next, window_size


def state_size(conversion: int, base: int, span: int) -> int:
    """Length of the state."""
    return 2 * (window_size(conversion) + window_size(base) + window_size(span))


def warmup(conversion: int, base: int, span: int) -> int:
    """Rows up to and including the first value."""
    return max(conversion, base, span)


def settle(conversion: int, base: int, span: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(conversion, base, span)


@kernel
def ichimoku(high, low, conversion, base, span, state, conversion_line, base_line, span_a, span_b):
    """Ichimoku lines: midpoints of the highest high and lowest low of three windows (conversion, base, span b), and span
    a, the middle of
    the first two. Spans are of the latest bar: what a chart draws `base` bars ahead; nothing here is shifted.

    Goichi Hosoda (1969). NaN in either: while it is in a window. Flat: the price. Too short: NaN, each line by its own window.
    """
    one = 2 * (4 + 2 * conversion)
    two = one + 2 * (4 + 2 * base)
    for row in range(len(high)):
        size = one // 2
        top = peak_next(high[row], conversion, state[:size])
        conversion_line[row] = (top - peak_next(-low[row], conversion, state[size:one])) / 2.0
        size = (two - one) // 2
        top = peak_next(high[row], base, state[one : one + size])
        base_line[row] = (top - peak_next(-low[row], base, state[one + size : two])) / 2.0
        size = 4 + 2 * span
        top = peak_next(high[row], span, state[two : two + size])
        span_b[row] = (top - peak_next(-low[row], span, state[two + size :])) / 2.0
        span_a[row] = (conversion_line[row] + base_line[row]) / 2.0
