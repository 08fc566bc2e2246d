"""Mean of a sliding window."""

from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import copy, with_past
from engine.runtime.jit import njit


@njit
def window_mean(values, period, state, work, out):
    """Write the mean of the last `period` values at each row. state: `window_size(period)`.

    Along the binary digits of `period`: the means of n values each give those of 2 n, or of 2 n + 1
    with one value more, in loops without a dependence between rows: log2(period) passes of vector
    code. Nothing is ever subtracted, so nothing drifts, and no value, however large, leaves a trace
    once it is out of the window. NaN: while it is in the window. Flat: the value.
    """
    taken = work[0]
    mean_of_joined(with_past(values, period - 1, state, work), period, work, out)
    work[0] = taken


@njit
def mean_of_joined(joined, period, work, out):
    """Write what `window_mean` does, of values joined with the `period` - 1 before them."""
    taken = work[0]
    means, spare = joined, take(len(joined), work)  # means[i]: of the n values from i on
    other = take(len(joined), work)
    n, digit = 1, first_digit(period)
    if digit == 0:
        copy(joined, out)
    while digit > 0:
        odd = 1 if period & digit else 0
        size = len(joined) - 2 * n - odd + 1
        target = out if digit == 1 else spare[:size]
        if odd:
            grow_mean(means, means[n:], joined[2 * n :], 1.0 / (2 * n + 1), target)
        else:
            halve(means, means[n:], target)
        means, spare, other = target, other, spare
        n, digit = 2 * n + odd, digit >> 1
    work[0] = taken


@njit
def first_digit(period):
    """The binary digit of `period` after its first, as a power of two; 0 where there is none."""
    digit = 1
    while 2 * digit <= period:
        digit *= 2
    return digit >> 1


@njit
def halve(a, b, out):
    """Write the mean of two. A loop that writes one array: with more, LLVM gives up proving that
    they do not overlap.
    """
    for i in range(len(out)):
        out[i] = (a[i] + b[i]) * 0.5


@njit
def grow_mean(a, b, values, share, out):
    """Write the mean of two means of as many values each, and of one value more, which has a
    `share` of all.
    """
    for i in range(len(out)):
        mean = (a[i] + b[i]) * 0.5
        out[i] = mean + (values[i] - mean) * share
