"""Percentile of a sliding window."""

import numpy as np

from engine.compute.shared.window_past import window_size, with_past
from engine.indicators.register import Param, register
from engine.runtime.jit import njit


def state_size(period: int, percent: float) -> int:
    """The window's past."""
    return window_size(period)


def warmup(period: int, percent: float) -> int:
    """Rows up to and including the first value."""
    return period


@njit
def _count(tree, place, more):
    while place < len(tree):
        tree[place] += more
        place += place & -place


@njit
def _find(tree, number):
    """The index in rank order of the `number`-th value in the window."""
    place, step = 0, 1
    while 2 * step < len(tree):
        step *= 2
    while step > 0:
        if place + step < len(tree) and tree[place + step] < number:
            place += step
            number -= tree[place]
        step >>= 1
    return place


@register(
    inputs=("close",),
    params=(Param("period", 20, 2), Param("percent", 50.0, 0.0, 100.0)),
    state_size=state_size,
    warmup=warmup,
    window=warmup,
)
def percentile(values, period, percent, state, work, out):
    """Percentile of the last `period` values, linear between neighbours as numpy's: 50 is the
    median, 0 the lowest, 100 the highest.

    A Fenwick tree over the ranks of the piece's values counts those in the window: log(rows) steps
    a row however long the window. NaN: while it is in the window. Flat: the value. Too short: NaN.
    """
    joined = with_past(values, period - 1, state, work)
    order = np.argsort(joined)
    rank = np.empty(len(joined), np.int64)
    for i in range(len(order)):
        rank[order[i]] = i + 1
    tree = np.zeros(len(joined) + 1, np.int64)
    below = percent / 100.0 * (period - 1)
    place = int(below)
    share = below - place
    holes = 0
    for i in range(len(joined)):
        _count(tree, rank[i], 1)
        holes += joined[i] != joined[i]
        row = i - period + 1
        if row < 0:
            continue
        if holes > 0:
            out[row] = np.nan
        else:
            value = joined[order[_find(tree, place + 1)]]
            out[row] = (
                value + share * (joined[order[_find(tree, place + 2)]] - value)
                if share > 0.0
                else value
            )
        _count(tree, rank[row], -1)
        holes -= joined[row] != joined[row]
