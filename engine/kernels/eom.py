"""Ease of movement."""

from engine.kernels.jit import kernel
from engine.kernels.shared.mean import window_mean
from engine.kernels.shared.past import past_size, window_size, with_past
from engine.kernels.shared.prices import moved


def state_size(period: int, scale: float) -> int:
    """The last middle; the window's past."""
    return past_size(1) + window_size(period)


def warmup(period: int, scale: float) -> int:
    """Rows up to and including the first value."""
    return period + 1


def window(period: int, scale: float) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period, scale)


@kernel
def eom(high, low, volume, period, scale, state, work, out):
    """Ease of movement: mean over `period` bars of (middle - last middle) * (high - low) * scale / volume, middle = (high + low)
    / 2.

    Richard Arms. NaN in any: while it is in the window. Flat: 0. Zero volume: the bar counts 0. Too short: NaN.
    """
    for row in range(len(out)):
        out[row] = (high[row] + low[row]) / 2.0
    last = with_past(out, 1, state[:2], work)
    for row in range(len(out)):
        eased = moved(out[row], last[row]) * (high[row] - low[row]) * scale
        out[row] = 0.0 * eased if volume[row] == 0.0 else eased / volume[row]
    window_mean(out, period, state[2:], work, out)
