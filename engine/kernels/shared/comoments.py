"""How two series move together in a sliding window."""

from engine.kernels.jit import njit
from engine.kernels.shared.mean import first_digit, grow_mean, halve
from engine.kernels.shared.past import copy, window_size, with_past
from engine.kernels.shared.work import take, take_zeros


def comoments_size(period: int) -> int:
    """State of `window_comoments`: two windows' past."""
    return 2 * window_size(period)


@njit
def window_comoments(values, others, period, state, work, products):
    """Write the sum over the last `period` rows of the products of both series' deviations from their means.

    As `window_moments`: products = products a + products b + (mean b - mean a) * (other mean b - other mean a) * n_a * n_b /
    (n_a + n_b). NaN in either: while it is in the window. state: `comoments_size(period)`.
    """
    taken = work[0]
    joined = with_past(values, period - 1, state[:period], work)
    others_joined = with_past(others, period - 1, state[period:], work)
    length = len(joined)
    mean, spare_mean, third_mean = joined, take(length, work), take(length, work)
    other, spare_other, third_other = others_joined, take(length, work), take(length, work)
    product, spare = take_zeros(length, work), take(length, work)
    n, digit = 1, first_digit(period)
    if digit == 0:
        copy(product, products)
    while digit > 0:
        odd = 1 if period & digit else 0
        size = length - 2 * n - odd + 1
        target = products if digit == 1 else spare[:size]
        target_mean, target_other = spare_mean[:size], spare_other[:size]
        if odd:
            share = 1.0 / (2 * n + 1)
            _join(mean, mean[n:], other, other[n:], product, product[n:], 0.5 * n, target)
            _add_one(mean, mean[n:], other, other[n:], joined[2 * n :], others_joined[2 * n :], 2 * n * share, target)
            grow_mean(mean, mean[n:], joined[2 * n :], share, target_mean)
            grow_mean(other, other[n:], others_joined[2 * n :], share, target_other)
        else:
            _join(mean, mean[n:], other, other[n:], product, product[n:], 0.5 * n, target)
            halve(mean, mean[n:], target_mean)
            halve(other, other[n:], target_other)
        mean, spare_mean, third_mean = target_mean, third_mean, spare_mean
        other, spare_other, third_other = target_other, third_other, spare_other
        product, spare = target, product
        n, digit = 2 * n + odd, digit >> 1
    work[0] = taken


@njit
def _join(mean_a, mean_b, other_a, other_b, product_a, product_b, weight, products):
    for i in range(len(products)):
        products[i] = product_a[i] + product_b[i] + (mean_b[i] - mean_a[i]) * (other_b[i] - other_a[i]) * weight


@njit
def _add_one(mean_a, mean_b, other_a, other_b, values, others, weight, products):
    for i in range(len(products)):
        apart, other_apart = values[i] - (mean_a[i] + mean_b[i]) * 0.5, others[i] - (other_a[i] + other_b[i]) * 0.5
        products[i] += apart * other_apart * weight
