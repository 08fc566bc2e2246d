"""Ease of movement."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.rounding import moved
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int, scale: float) -> int:
    """The last middle; the window's past."""
    return past_size(1) + window_size(period)


def warmup(period: int, scale: float) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("high", "low", "volume"),
    params=(Param("period", 14, 1), Param("scale", 100_000_000.0, 0.0, 1e15)),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def eom(high, low, volume, period, scale, state, work, out):
    """Ease of movement: mean over `period` bars of (middle - last middle) * (high - low) * scale /
    volume, middle = (high + low) / 2.

    Richard Arms. NaN in any: while it is in the window. Flat: 0. Zero volume: the bar counts 0. Too
    short: NaN.
    """
    for row in range(len(out)):
        out[row] = (high[row] + low[row]) / 2.0
    last = with_past(out, 1, state[:2], work)
    for row in range(len(out)):
        eased = moved(out[row], last[row]) * (high[row] - low[row]) * scale
        out[row] = 0.0 * eased if volume[row] == 0.0 else eased / volume[row]
    window_mean(out, period, state[2:], work, out)
