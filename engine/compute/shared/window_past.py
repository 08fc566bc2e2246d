"""The values just before a piece of rows, for passes that look back a fixed number of rows."""

import numpy as np

from engine.compute.shared.scratch import take
from engine.runtime.jit import njit


def past_size(rows: int) -> int:
    """State size of a look back over `rows` rows: whether any were seen; the last, oldest first."""
    return 1 + rows


def window_size(period: int) -> int:
    """State of a window of `period` rows: those before the latest."""
    return past_size(period - 1)


@njit
def past_values(rows, state):
    """The `rows` values before the piece at hand, oldest first: NaN where there were none."""
    past = state[1 : 1 + rows]
    if state[0] == 0.0:
        past[:] = np.nan
        state[0] = 1.0
    return past


@njit
def keep_past(values, past):
    """Make `past` what comes before the next piece."""
    rows, kept = len(values), len(past)
    if rows >= kept:
        past[:] = values[rows - kept :]
    else:
        past[: kept - rows] = past[rows:].copy()
        past[kept - rows :] = values


@njit
def with_past(values, rows, state, work):
    """A new array of the `rows` values before the piece and the piece, which is then kept for the
    next one.

    Its first len(values) entries are the values `rows` rows before; from row i on, `rows` + 1 of
    them are the window that ends at row i.
    """
    past = past_values(rows, state)
    joined = take(rows + len(values), work)
    copy(past, joined[:rows])
    copy(values, joined[rows:])
    copy(joined[len(values) :], past)
    return joined


@njit
def copy(values, out):
    """Copy values that do not overlap with `out`: a plain loop, where a slice assignment looks for
    overlaps first.
    """
    for i in range(len(out)):
        out[i] = values[i]
