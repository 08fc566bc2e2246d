"""Relative strength index, Cutler's."""

from engine.kernels.jit import kernel
from engine.kernels.shared.mean import window_mean
from engine.kernels.shared.past import past_size, window_size, with_past
from engine.kernels.shared.work import take


def state_size(period: int) -> int:
    """The last value; two windows' past."""
    return past_size(1) + 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


def window(period: int) -> int:
    """Rows of which a value is an exact function."""
    return warmup(period)


@kernel
def rsi_cutler(values, period, state, work, out):
    """Cutler's relative strength index: 100 * gain / (gain + loss), both summed over the last `period` changes without smoothing.

    NaN: while it is in the window. Flat: 50. Too short: NaN.
    """
    last = with_past(values, 1, state[:2], work)
    loss = take(len(out), work)
    for row in range(len(out)):
        change = values[row] - last[row]
        out[row] = change if change > 0.0 else 0.0 * change
        loss[row] = -change if change < 0.0 else 0.0 * change
    window_mean(out, period, state[2 : 2 + period], work, out)
    window_mean(loss, period, state[2 + period :], work, loss)
    for row in range(len(out)):
        total = out[row] + loss[row]
        out[row] = 50.0 if total == 0.0 else 100.0 * (out[row] / total)
