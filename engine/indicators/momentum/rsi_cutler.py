"""Relative strength index, Cutler's."""

from engine.compute.shared.mean import window_mean
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int) -> int:
    """The last value; two windows' past."""
    return past_size(1) + 2 * window_size(period)


def warmup(period: int) -> int:
    """Rows up to and including the first value."""
    return period + 1


@register(
    inputs=("close",),
    params=(Param("period", 14, 2),),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def rsi_cutler(values, period, state, work, out):
    """Cutler's relative strength index: 100 * gain / (gain + loss), both summed over the last
    `period` changes without smoothing.

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
