"""Know sure thing."""

import numpy as np

from engine.kernels.jit import kernel
from engine.kernels.steps import before_next, sum_next, window_size


def state_size(signal: int) -> int:
    """Length of the state."""
    return 4 * 2 + 10 + 15 + 20 + 30 + 3 * (4 + 2 * 10) + (4 + 2 * 15) + window_size(signal)


def warmup(signal: int) -> int:
    """Rows up to and including the first value."""
    return 45 + signal - 1


def settle(signal: int) -> int:
    """Rows after which what was before does not matter."""
    return warmup(signal)


@kernel
def kst(values, signal, state, kst, signal_line):
    """Know sure thing: rates of change over 10, 15, 20 and 30 rows, averaged over 10, 10, 10 and 15, weighing 1, 2, 3
    and 4; and its
    average over `signal` rows.

    Martin Pring (1992). NaN: while it is in a window. Flat: 0. A value of 0 before: NaN. Too short: NaN.
    """
    for row in range(len(values)):
        total, at = 0.0, 0
        for number in range(4):
            back = 10 if number == 0 else 15 if number == 1 else 20 if number == 2 else 30
            smooth = 15 if number == 3 else 10
            before = before_next(values[row], back, state[at : at + 2 + back])
            seen = state[at] > back
            at += 2 + back
            rate = 100.0 * (values[row] / before - 1.0) if before != 0.0 else np.nan
            if seen:
                total += (number + 1.0) * sum_next(rate, smooth, state[at : at + 4 + 2 * smooth]) / smooth
            else:
                total = np.nan
            ready = state[at] >= smooth
            at += 4 + 2 * smooth
        kst[row] = signal_line[row] = np.nan
        if not ready:
            continue
        average = sum_next(total, signal, state[at:]) / signal
        if state[at] >= signal:
            kst[row], signal_line[row] = total, average
