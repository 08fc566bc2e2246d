"""Connors RSI."""

import numpy as np

from engine.compute.shared.rounding import NOISE
from engine.compute.shared.run_lengths import RUNS_SIZE, run_lengths
from engine.compute.shared.scratch import take, take_zeros
from engine.compute.shared.smooth import rows_to_forget
from engine.compute.shared.strength import STRENGTH_SIZE, strength
from engine.compute.shared.window_past import past_size, with_past
from engine.indicators.register import Param, register


def state_size(period: int, streak: int, rank: int) -> int:
    """Two RSIs', the run's, the last value; the changes before."""
    return 2 * STRENGTH_SIZE + RUNS_SIZE + past_size(1) + past_size(rank)


def warmup(period: int, streak: int, rank: int) -> int:
    """Rows up to and including the first value."""
    return max(period + 1, streak + 1, rank + 2)


def settle(period: int, streak: int, rank: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(period, streak, rank) + rows_to_forget(1.0 / max(period, streak))


ROUNDING = 100.0 * 2.0 * NOISE  # of a change in percent: that of the ratio, which is near 1


@register(
    inputs=("close",),
    params=(Param("period", 3, 2), Param("streak", 2, 2), Param("rank", 100, 1)),
    state_size=state_size,
    warmup=warmup,
    settle=settle,
)
def connors_rsi(values, period, streak, rank, state, work, out):
    """Connors RSI: mean of the RSI of the value, the RSI of the length of its run up or down, and
    the share of the last `rank` changes in percent that are below the latest, in percent.

    Larry Connors and Cesar Alvarez (2012). NaN: while it is among the changes; the RSIs pass it
    over. Flat: 33.3 (RSIs of 50, no change below). Too short: NaN.
    """
    rows = len(out)
    run, below, change = take(rows, work), take_zeros(rows, work), take(rows, work)
    strength(values, period, state[0:4], out)
    run_lengths(values, state[8:11], run)
    strength(run, streak, state[4:8], run)
    last = with_past(values, 1, state[11:13], work)
    for row in range(rows):
        change[row] = 100.0 * (values[row] / last[row] - 1.0) if last[row] != 0.0 else np.nan
    joined = with_past(change, rank, state[13:], work)
    for i in range(rank):
        earlier = joined[i : i + rows]
        for row in range(rows):
            below[row] += (1.0 if earlier[row] < change[row] - ROUNDING else 0.0) + 0.0 * earlier[
                row
            ]
    for row in range(rows):
        out[row] = (out[row] + run[row] + 100.0 * below[row] / rank + 0.0 * change[row]) / 3.0
