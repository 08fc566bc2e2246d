"""Ultimate oscillator."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.ranges import RANGES_SIZE, true_ranges
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(short: int, middle: int, long: int) -> int:
    """The last close, twice; two windows' past a period."""
    return (
        RANGES_SIZE
        + past_size(1)
        + 2 * (window_size(short) + window_size(middle) + window_size(long))
    )


def warmup(short: int, middle: int, long: int) -> int:
    """Rows up to and including the first value."""
    return max(short, middle, long) + 1


@register(
    inputs=("high", "low", "close"),
    params=(Param("short", 7, 1), Param("middle", 14, 1), Param("long", 28, 1)),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def ultimate_oscillator(high, low, close, short, middle, long, state, work, out):
    """Ultimate oscillator: 100 * (4 * a + 2 * b + c) / 7, where a, b, c are buying pressure over
    true range, summed over three windows. Buying pressure = close - min(low, last close). As
    TA-Lib's ULTOSC.

    Larry Williams (1985). NaN in any: while it is in a window. Flat (no range): 0. Too short: NaN.
    """
    rows = len(out)
    pressure, reach = take(rows, work), take(rows, work)
    true_ranges(high, low, close, state[:2], reach)
    last = with_past(close, 1, state[2:4], work)
    for row in range(rows):
        bottom = last[row] if last[row] < low[row] else low[row]
        pressure[row] = close[row] - bottom + 0.0 * reach[row]
    pressed, reached = take(rows, work), take(rows, work)
    out[:] = 0.0
    at = 4
    for number in range(3):
        period = short if number == 0 else middle if number == 1 else long
        weight = 400.0 / 7.0 if number == 0 else 200.0 / 7.0 if number == 1 else 100.0 / 7.0
        window_mean(pressure, period, state[at : at + period], work, pressed)
        window_mean(reach, period, state[at + period : at + 2 * period], work, reached)
        at += 2 * period
        for row in range(rows):
            # no pressure without a range
            share = out[row] + weight * (
                pressed[row] / (reached[row] if reached[row] != 0.0 else 1.0)
            )
            out[row] = 100.0 if share > 100.0 else share  # by rounding
