"""Mean and sum of squared deviations of a sliding window, without cancellation."""

from engine.compute.shared.mean import first_digit, grow_mean, halve
from engine.compute.shared.scratch import take
from engine.compute.shared.window_past import copy, with_past
from engine.runtime.jit import njit


@njit
def window_moments(values, period, state, work, means, squares):
    """Write the mean and the sum of squared deviations from it of the last `period` values. state:
    `window_size(period)`.

    Put together along the binary digits of `period`, as `window_mean` does, with the pairwise
    formula of Chan, Golub and LeVeque (1983): squares = squares a + squares b + (mean a - mean b)
    ** 2 * n_a * n_b / (n_a + n_b). No square of a value itself is ever taken, so a window of equal
    values, of any size, has exactly 0, and none has less. NaN: while it is in the window. An empty
    `means` is left out.
    """
    taken = work[0]
    joined = with_past(values, period - 1, state, work)
    length = len(joined)
    mean, spare_mean, other_mean = joined, take(length, work), take(length, work)
    square, spare_square = take(length, work), take(length, work)  # of one value: 0, not looked at
    n, digit = 1, first_digit(period)
    if digit == 0:
        copy(joined, means)
        for row in range(len(squares)):
            squares[row] = 0.0 * joined[row]
    while digit > 0:
        odd = 1 if period & digit else 0
        size = length - 2 * n - odd + 1
        target_mean, target = (
            (means, squares) if digit == 1 else (spare_mean[:size], spare_square[:size])
        )
        late = mean[n:]
        if n == 1:
            _start(mean, late, target)
        else:
            _join(mean, late, square, square[n:], 0.5 * n, target)
        if odd:
            more, share = joined[2 * n :], 1.0 / (2 * n + 1)
            _add_one(mean, late, more, 2 * n * share, target)
            grow_mean(mean, late, more, share, target_mean)
        else:
            halve(mean, late, target_mean)
        mean, spare_mean, other_mean = target_mean, other_mean, spare_mean
        square, spare_square = target, square
        n, digit = 2 * n + odd, digit >> 1
    work[0] = taken


@njit
def _start(a, b, squares):
    for i in range(len(squares)):
        apart = b[i] - a[i]
        squares[i] = apart * apart * 0.5


@njit
def _join(mean_a, mean_b, square_a, square_b, weight, squares):
    for i in range(len(squares)):
        apart = mean_b[i] - mean_a[i]
        squares[i] = square_a[i] + square_b[i] + apart * apart * weight


@njit
def _add_one(mean_a, mean_b, values, weight, squares):
    for i in range(len(squares)):
        apart = values[i] - (mean_a[i] + mean_b[i]) * 0.5
        squares[i] += apart * apart * weight
