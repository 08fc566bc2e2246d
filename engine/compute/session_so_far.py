"""The columns every cross-section has: the latest bar, and aggregates of the session so far.

A value is NaN before the first bar, a sum 0; none divides by zero volume. The state of each kernel
is listed in its docstring and is all zeros before the first bar.
"""

import numpy as np

from engine.compute.kernel import kernel
from engine.compute.shared.rounding import ROUNDING, between, typical
from engine.compute.shared.scratch import take
from engine.runtime.jit import njit


@kernel
def last_value(values, state, out):
    """The value of the bar itself: sampled at a tick it is the latest one known."""
    for row in range(len(values)):  # where a slice assignment would look for overlaps first
        out[row] = values[row]


@kernel
def first_value(values, state, out):
    """The first value seen. state: count, value."""
    for row in range(len(values)):
        if state[0] == 0.0:
            state[0], state[1] = 1.0, values[row]
        out[row] = state[1]


@kernel
def highest_value(values, state, out):
    """The highest value seen. state: count, value."""
    highest = state[1] if state[0] > 0.0 else -np.inf
    for row in range(len(values)):
        highest = max(highest, values[row])
        out[row] = highest
    state[0], state[1] = state[0] + len(values), highest


@kernel
def lowest_value(values, state, out):
    """The lowest value seen. state: count, value."""
    lowest = state[1] if state[0] > 0.0 else np.inf
    for row in range(len(values)):
        lowest = min(lowest, values[row])
        out[row] = lowest
    state[0], state[1] = state[0] + len(values), lowest


@kernel
def total_value(values, state, out):
    """The sum of values seen. state: sum."""
    total = state[0]
    for row in range(len(values)):
        total += values[row]
        out[row] = total
    state[0] = total


@kernel
def count_bars(values, state, out):
    """How many bars were seen. state: count."""
    for row in range(len(values)):
        state[0] += 1.0
        out[row] = state[0]


@njit
def typical_prices(high, low, close, out):
    """Write (high + low + close) / 3; a loop of its own, so that it is vector code."""
    for row in range(len(close)):
        out[row] = typical(high[row], low[row], close[row])


@njit
def divide(sums, totals, first, weight):
    """Divide sums by totals in place; the number of means that equal `first` but for rounding."""
    near = 0
    for row in range(len(sums)):
        mean = sums[row] / totals[row]
        near += abs(mean - first) * weight <= ROUNDING * abs(mean) * totals[row]
        sums[row] = mean
    return near


@kernel
def volume_weighted_price(high, low, close, volume, state, work, out):
    """sum(typical price x volume) / sum(volume), typical price = (high + low + close) / 3.

    NaN at zero volume. Kept between the least and the greatest typical price that had volume, as
    `session_vwap` is: flat prices give the price.

    state: sum of price x volume, sum of volume, least and greatest typical price, the first one and
    its volume.
    """
    taken, rows, row = work[0], len(close), 0
    totals, prices = take(rows, work), take(rows, work)
    typical_prices(high, low, close, prices)
    turnover, total, least, greatest, first, weight = (
        state[0],
        state[1],
        state[2],
        state[3],
        state[4],
        state[5],
    )
    while row < rows and not total > 0.0:
        total += volume[row]
        turnover += prices[row] * volume[row]
        least = greatest = first = prices[row]
        weight = volume[row]
        out[row] = first if total > 0.0 else np.nan
        row += 1
    lowest, highest = least, greatest
    late, volumes, sums, totals = prices[row:], volume[row:], out[row:], totals[row:]
    for i in range(len(late)):
        price, shares = late[i], volumes[i]
        low_price, high_price = (price, price) if shares > 0.0 else (np.inf, -np.inf)
        lowest = low_price if low_price < lowest else lowest
        highest = high_price if high_price > highest else highest
        turnover += price * shares
        total += shares
        sums[i], totals[i] = turnover, total
    state[0], state[1], state[2], state[3], state[4], state[5] = (
        turnover,
        total,
        lowest,
        highest,
        first,
        weight,
    )
    if divide(sums, totals, first, weight) > 0:
        for i in range(len(late)):
            if volumes[i] > 0.0:
                least, greatest = min(least, late[i]), max(greatest, late[i])
            sums[i] = between(sums[i], least, greatest)
    work[0] = taken
