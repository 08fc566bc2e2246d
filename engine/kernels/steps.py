"""One step of the averages that other kernels are built of. Each takes a value and a state, and answers a value.

A state is a stretch of the calling kernel's own state vector, all zeros before the first value. A NaN answers NaN and, except
in a window, leaves the state as it was.
"""

import numpy as np

from engine.kernels.jit import njit

EMA_SIZE = 2
WILDER_SIZE = 2


def window_size(period: int) -> int:
    """State of `sum_next` and `peak_next`: count, place, sum of the block; the block; sums of the tails."""
    return 3 + period + period + 1


def ring_size(period: int) -> int:
    """State of `before_next`: count, place; the ring."""
    return 2 + period


@njit
def ema_next(value, period, state):
    """Exponential average, seeded with the mean of the first `period` values. state: count, average."""
    if value != value:
        return np.nan
    state[0] += 1.0
    if state[0] > period:
        weight = 2.0 / (period + 1.0)
        state[1] = state[1] * (1.0 - weight) + value * weight
    else:
        state[1] += value
        if state[0] == period:
            state[1] /= period
    return state[1] if state[0] >= period else np.nan


@njit
def wilder_next(value, period, state):
    """Wilder's average, seeded with the mean of the first `period` values. state: count, average."""
    if value != value:
        return np.nan
    state[0] += 1.0
    if state[0] > period:
        weight = 1.0 / period
        state[1] = state[1] * (1.0 - weight) + value * weight
    else:
        state[1] += value
        if state[0] == period:
            state[1] /= period
    return state[1] if state[0] >= period else np.nan


@njit
def sum_next(value, period, state):
    """Sum of the last `period` values, as in `sma`: nothing is subtracted, a NaN leaves with the window."""
    place = int(state[1])
    state[2] += value
    state[3 + place] = value
    place += 1
    state[0] += 1.0
    total = state[2] + state[3 + period + place]
    if place == period:
        tail = 0.0
        for i in range(period - 1, 0, -1):
            tail += state[3 + i]
            state[3 + period + i] = tail
        place, state[2] = 0, 0.0
    state[1] = place
    return total if state[0] >= period else np.nan


@njit
def before_next(value, period, state):
    """The value `period` values before; NaN while there is none."""
    place = int(state[1])
    before = state[2 + place] if state[0] >= period else np.nan
    state[2 + place] = value
    state[1] = place + 1 if place + 1 < period else 0
    state[0] += 1.0
    return before


@njit
def weighted_next(value, period, state):
    """Linearly weighted sum of the last `period` values over period * (period + 1) / 2, the latest weighing most.

    Summed as `sum_next` does, with a weighted sum beside each plain one. state: count, place, sum and weighted sum of the
    block; the block; sums, then weighted sums, of the tails.
    """
    place = int(state[1])
    place += 1
    state[0] += 1.0
    state[2] += value
    state[3] += value * place
    state[3 + place] = value
    sums, weighted = 4 + period, 5 + 2 * period
    total = state[weighted + place] + state[3] + state[2] * (period - place)
    if place == period:
        tail, heavy = 0.0, 0.0
        for i in range(period - 1, 0, -1):
            tail += state[4 + i]
            heavy += tail
            state[sums + i], state[weighted + i] = tail, heavy
        place, state[2], state[3] = 0, 0.0, 0.0
    state[1] = place
    return total / (period * (period + 1) / 2.0) if state[0] >= period else np.nan


def weighted_size(period: int) -> int:
    """State of `weighted_next`."""
    return 4 + period + 2 * (period + 1)


@njit
def peak_next(value, period, state):
    """Highest of the last `period` values; the lowest is -peak_next(-value). state: as `window_size`.

    The end of one block of `period` values and the start of the next are each kept as running extremes (M. van Herk, 1992).
    """
    place = int(state[1])
    head = value if place == 0 or not (state[2] >= value or state[2] != state[2]) else state[2]
    state[3 + place] = value
    place += 1
    state[0] += 1.0
    tail = state[3 + period + place]
    peak = head if place == period or head >= tail or head != head else tail
    if place == period:
        tail = state[3 + period - 1]
        for i in range(period - 1, 0, -1):
            if not (tail >= state[3 + i] or tail != tail):
                tail = state[3 + i]
            state[3 + period + i] = tail
        place = 0
    state[1], state[2] = place, head
    return peak if state[0] >= period else np.nan


@njit
def rsi_next(value, period, state):
    """Wilder's RSI, as the kernel `rsi`. state: count, last value, average gain, average loss."""
    if value != value:
        return np.nan
    change = value - state[1] if state[0] > 0.0 else 0.0
    up, down, weight = max(change, 0.0), max(-change, 0.0), 1.0 / period
    if state[0] > period:
        state[2] = state[2] * (1.0 - weight) + up * weight
        state[3] = state[3] * (1.0 - weight) + down * weight
    else:
        state[2] += up * weight
        state[3] += down * weight
    state[0] += 1.0
    state[1] = value
    total = state[2] + state[3]
    if state[0] <= period:
        return np.nan
    return 100.0 * state[2] / total if total > 0.0 else 50.0
