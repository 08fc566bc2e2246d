"""Highest and lowest of a sliding window."""

import numpy as np

from engine.compute.shared.scratch import take, take_zeros
from engine.compute.shared.window_past import copy, past_values
from engine.runtime.jit import njit


@njit
def window_highest(values, period, state, work, out):
    """Write the highest of the last `period` values at each row. state: `window_size(period)`.

    The highest of 2, 4, 8 ... values is that of two of the ones before, and two that overlap cover
    `period`: log2(period) passes of vector code, the same time whatever the values. NaN (and
    infinity): while it is in the window.
    """
    taken = work[0]
    highest_of_joined(_with_past(values, period - 1, np.inf, state, work), period, work, out)
    _name_holes(out, np.inf)
    work[0] = taken


@njit
def highest_of_joined(narrow, period, work, out):
    """Write what `window_highest` does, of values joined with the `period` - 1 before them, which
    are written over.
    """
    taken = work[0]
    wide = take(len(narrow), work)
    size, span = len(narrow), 1
    while 2 * span <= period:
        size -= span
        _higher(narrow[:size], narrow[span : span + size], wide[:size])
        narrow, wide = wide, narrow
        span *= 2
    _higher(narrow, narrow[period - span :], out)
    work[0] = taken


@njit
def window_lowest(values, period, state, work, out):
    """Write the lowest of the last `period` values at each row, as `window_highest`."""
    taken = work[0]
    lowest_of_joined(_with_past(values, period - 1, -np.inf, state, work), period, work, out)
    _name_holes(out, -np.inf)
    work[0] = taken


@njit
def lowest_of_joined(narrow, period, work, out):
    """Write what `window_lowest` does, of values joined with the `period` - 1 before them, which
    are written over.
    """
    taken = work[0]
    wide = take(len(narrow), work)
    size, span = len(narrow), 1
    while 2 * span <= period:
        size -= span
        _lower(narrow[:size], narrow[span : span + size], wide[:size])
        narrow, wide = wide, narrow
        span *= 2
    _lower(narrow, narrow[period - span :], out)
    work[0] = taken


@njit
def keep_between(joined, weights, period, work, out):
    """Keep each weighted mean between the least and the greatest value of its window that weighs
    anything.
    """
    taken = work[0]
    low, high, bound = take(len(joined), work), take(len(joined), work), take(len(out), work)
    for i in range(len(joined)):
        low[i] = joined[i] if weights[i] > 0.0 else np.inf
        high[i] = joined[i] if weights[i] > 0.0 else -np.inf
    lowest_of_joined(low, period, work, bound)
    for row in range(len(out)):
        out[row] = bound[row] if out[row] < bound[row] else out[row]
    highest_of_joined(high, period, work, bound)
    for row in range(len(out)):
        out[row] = bound[row] if out[row] > bound[row] else out[row]
    work[0] = taken


@njit
def window_midrange(high, low, period, state, work, out):
    """Write (highest high + lowest low) / 2 of the last `period` rows. state: two of
    `window_size(period)`.
    """
    taken = work[0]
    lowest = take(len(out), work)
    window_lowest(low, period, state[period : 2 * period], work, lowest)
    window_highest(high, period, state[:period], work, out)
    for row in range(len(out)):
        out[row] = (out[row] + lowest[row]) * 0.5
    work[0] = taken


@njit
def window_peak_age(values, period, sign, state, work, out):
    """Write how many rows ago the highest (sign 1) or lowest (sign -1) of the last `period` values
    was.

    As `window_highest`, with an age carried beside each; of equals the latest counts. NaN: while it
    is in the window. state: `window_size(period)`.
    """
    taken = work[0]
    peak = _with_past(values, period - 1, sign * np.inf, state, work)
    for i in range(len(peak)):
        peak[i] *= sign
    age = take_zeros(len(peak), work)  # rows from the peak to the end of its `span` rows
    next_peak, next_age = take(len(peak), work), take(len(peak), work)
    rows, size, span = len(values), len(peak), 1
    while 2 * span <= period:
        size -= span
        late = slice(span, span + size)
        _later_age(peak[:size], peak[late], age[:size], age[late], span, next_age[:size])
        _higher(peak[:size], peak[late], next_peak[:size])
        peak, next_peak = next_peak, peak
        age, next_age = next_age, age
        span *= 2
    apart = period - span
    _later_age(peak, peak[apart:], age, age[apart:], apart, out)
    for row in range(rows):
        top = max(peak[row], peak[apart + row])
        out[row] = out[row] if top < np.inf else np.nan
    work[0] = taken


@njit
def _with_past(values, rows, hole, state, work):
    """As `with_past`, with infinities for NaN: comparisons that mind NaN cost twice as much."""
    past = past_values(rows, state)
    joined = take(rows + len(values), work)
    _fill_holes(past, hole, joined[:rows])
    _fill_holes(values, hole, joined[rows:])
    copy(joined[len(values) :], past)
    return joined


@njit
def _fill_holes(values, hole, out):
    for i in range(len(out)):
        out[i] = values[i] if values[i] == values[i] else hole


@njit
def _name_holes(out, hole):
    for i in range(len(out)):
        out[i] = out[i] if out[i] != hole else np.nan


@njit
def _higher(a, b, out):
    for i in range(len(out)):
        out[i] = a[i] if a[i] > b[i] else b[i]


@njit
def _lower(a, b, out):
    for i in range(len(out)):
        out[i] = a[i] if a[i] < b[i] else b[i]


@njit
def _later_age(peak_a, peak_b, age_a, age_b, apart, ages):
    for i in range(len(ages)):
        ages[i] = age_b[i] if peak_b[i] >= peak_a[i] else age_a[i] + apart
