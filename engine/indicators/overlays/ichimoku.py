"""Ichimoku."""

from engine.compute.shared.peak import window_midrange
from engine.compute.shared.window_past import window_size
from engine.indicators.register import Param, register


def state_size(conversion: int, base: int, span: int) -> int:
    """Two windows' past a line."""
    return 2 * (window_size(conversion) + window_size(base) + window_size(span))


def warmup(conversion: int, base: int, span: int) -> int:
    """Rows up to and including the first value."""
    return max(conversion, base, span)


@register(
    inputs=("high", "low"),
    params=(Param("conversion", 9, 1), Param("base", 26, 1), Param("span", 52, 1)),
    outputs=("conversion_line", "base_line", "span_a", "span_b"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def ichimoku(
    high, low, conversion, base, span, state, work, conversion_line, base_line, span_a, span_b
):
    """Ichimoku lines: midpoints of the highest high and lowest low of three windows (conversion,
    base, span b), and span a, the middle of the first two. Spans are of the latest bar: what a
    chart draws `base` bars ahead; nothing here is shifted.

    Goichi Hosoda (1969). NaN in either: while it is in a window. Flat: the price. Too short: NaN,
    each line by its own window.
    """
    one, two = 2 * conversion, 2 * (conversion + base)
    window_midrange(high, low, conversion, state[:one], work, conversion_line)
    window_midrange(high, low, base, state[one:two], work, base_line)
    window_midrange(high, low, span, state[two:], work, span_b)
    for row in range(len(span_a)):
        span_a[row] = (conversion_line[row] + base_line[row]) / 2.0
