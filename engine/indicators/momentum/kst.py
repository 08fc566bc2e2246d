"""Know sure thing."""

import numpy as np

from engine.compute.shared.mean import window_mean
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import past_size, window_size, with_past
from engine.indicators.register import Param, register


def state_size(signal: int) -> int:
    """Four values before; five windows' past."""
    before = past_size(10) + past_size(15) + past_size(20) + past_size(30)
    return before + 3 * window_size(10) + window_size(15) + window_size(signal)


def warmup(signal: int) -> int:
    """Rows up to and including the first value."""
    return 45 + signal - 1


@register(
    inputs=("close",),
    params=(Param("signal", 9, 1),),
    outputs=("kst", "signal_line"),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def kst(values, signal, state, work, kst, signal_line):
    """Know sure thing: rates of change over 10, 15, 20 and 30 rows, averaged over 10, 10, 10 and
    15, weighing 1, 2, 3 and 4; and its average over `signal` rows.

    Martin Pring (1992). NaN: while it is in a window. Flat: 0. A value of 0 before: NaN. Too short:
    NaN.
    """
    rows, at = len(kst), 0
    rate = take(rows, work)
    kst[:] = 0.0
    for number in range(4):
        back = 10 if number == 0 else 15 if number == 1 else 20 if number == 2 else 30
        smooth = 15 if number == 3 else 10
        before = with_past(values, back, state[at : at + 1 + back], work)
        at += 1 + back
        for row in range(rows):
            rate[row] = 100.0 * (values[row] / before[row] - 1.0) if before[row] != 0.0 else np.nan
        window_mean(rate, smooth, state[at : at + smooth], work, rate)
        at += smooth
        for row in range(rows):
            kst[row] += (number + 1.0) * rate[row]
    window_mean(kst, signal, state[at:], work, signal_line)
    for row in range(rows):
        kst[row] = (
            kst[row] if signal_line[row] == signal_line[row] else np.nan
        )  # both start together
