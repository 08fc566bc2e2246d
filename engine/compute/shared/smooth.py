"""Exponential averages.

An average takes `weight` of each new value and keeps `rest` of itself, and the two add up to 1
exactly (`shares`). Then fma(average, rest, value * weight) is the average itself where the value is
equal to it, and never lies beyond the two: the product's rounding is at most a quarter of the last
place of either (half of it for a weight of 2/3), which the sum rounds away. `average + (value -
average) * weight` would do as well, and takes twice as long: two operations wait for the last
average.
"""

import math

import numpy as np

from engine.compute.shared.fma import fma
from engine.runtime.jit import njit

NEGLIGIBLE = 1e-9


def rows_to_forget(weight: float) -> int:
    """Rows after which what was before weighs less than 1e-9 in an average that takes `weight` of
    each new value.
    """
    return 0 if weight >= 1.0 else math.ceil(math.log(NEGLIGIBLE) / math.log1p(-weight))


@njit
def shares(weight):
    """What an average takes of a value and what it keeps of itself: `weight` rounded to where both
    add up to 1.
    """
    rest = 1.0 - weight
    return 1.0 - rest, rest


@njit
def mean_next(mean, value, count):
    """The mean of `count` values, of which `mean` is that of all but the last: a mean of equal
    values is that value.
    """
    return mean + (value - mean) / count


@njit
def smooth(values, period, weight, state, out):
    """Write average = average * (1 - weight) + value * weight, seeded with the mean of the first
    `period` values.

    weight: 2 / (period + 1) for the usual exponential average, 1 / period for Wilder's. state (2):
    count, average. NaN: NaN at that row, which is otherwise passed over. Flat: the value. It never
    leaves the range of its values.
    """
    row, rows = 0, len(values)
    while row < rows and state[0] < period:
        out[row] = smooth_next(values[row], period, weight, state)
        row += 1
    average = state[1]
    taken, rest = shares(weight)
    while row < rows:
        while (
            row < rows and values[row] == values[row]
        ):  # a run without NaN: one operation waits for the last average
            average = fma(average, rest, values[row] * taken)
            out[row] = average
            row += 1
        if row < rows:
            out[row] = np.nan
            row += 1
    state[1] = average


@njit
def smooth_thrice(values, period, weight, state, once, twice, thrice):
    """Write the average of `smooth`, the average of that, and the average of that again. state (6):
    three of `smooth`.
    """
    row, rows = 0, len(values)
    while row < rows and state[4] < period:
        once[row] = smooth_next(values[row], period, weight, state[0:2])
        twice[row] = smooth_next(once[row], period, weight, state[2:4])
        thrice[row] = smooth_next(twice[row], period, weight, state[4:6])
        row += 1
    first, second, third = state[1], state[3], state[5]
    taken, rest = shares(weight)
    while row < rows:
        while row < rows and values[row] == values[row]:
            first = fma(first, rest, values[row] * taken)
            second = fma(second, rest, first * taken)
            third = fma(third, rest, second * taken)
            once[row], twice[row], thrice[row] = first, second, third
            row += 1
        if row < rows:
            once[row] = twice[row] = thrice[row] = np.nan
            row += 1
    state[1], state[3], state[5] = first, second, third


@njit
def smooth_next(value, period, weight, state):
    """One step of `smooth`."""
    if value != value:
        return np.nan
    if state[0] >= period:
        taken, rest = shares(weight)
        state[1] = fma(state[1], rest, value * taken)
        return state[1]
    state[0] += 1.0
    state[1] = mean_next(state[1], value, state[0])
    return state[1] if state[0] >= period else np.nan
