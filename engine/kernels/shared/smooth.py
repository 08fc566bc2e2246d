"""Exponential averages."""

import math

import numpy as np

from engine.kernels.shared.fma import fma
from engine.runtime.jit import njit

NEGLIGIBLE = 1e-9


def rows_to_forget(weight: float) -> int:
    """Rows after which what was before weighs less than 1e-9 in an average that takes `weight` of each new value."""
    return 0 if weight >= 1.0 else math.ceil(math.log(NEGLIGIBLE) / math.log1p(-weight))


@njit
def smooth(values, period, weight, state, out):
    """Write average = average * (1 - weight) + value * weight, seeded with the mean of the first `period` values.

    weight: 2 / (period + 1) for the usual exponential average, 1 / period for Wilder's. state (2): count, average.
    NaN: NaN at that row, which is otherwise passed over.
    """
    row, rows = 0, len(values)
    while row < rows and state[0] < period:
        out[row] = smooth_next(values[row], period, weight, state)
        row += 1
    average, rest = state[1], 1.0 - weight
    while row < rows:
        while row < rows and values[row] == values[row]:  # a run without NaN: one operation waits for the last average
            average = fma(average, rest, values[row] * weight)
            out[row] = average
            row += 1
        if row < rows:
            out[row] = np.nan
            row += 1
    state[1] = average


@njit
def smooth_thrice(values, period, weight, state, once, twice, thrice):
    """Write the average of `smooth`, the average of that, and the average of that again. state (6): three of `smooth`."""
    row, rows = 0, len(values)
    while row < rows and state[4] < period:
        once[row] = smooth_next(values[row], period, weight, state[0:2])
        twice[row] = smooth_next(once[row], period, weight, state[2:4])
        thrice[row] = smooth_next(twice[row], period, weight, state[4:6])
        row += 1
    first, second, third, rest = state[1], state[3], state[5], 1.0 - weight
    while row < rows:
        while row < rows and values[row] == values[row]:
            first = fma(first, rest, values[row] * weight)
            second = fma(second, rest, first * weight)
            third = fma(third, rest, second * weight)
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
        state[1] = fma(state[1], 1.0 - weight, value * weight)
        return state[1]
    state[0] += 1.0
    state[1] += value
    if state[0] < period:
        return np.nan
    state[1] /= period
    return state[1]
