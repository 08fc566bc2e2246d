"""Exact decimals from binary doubles.

Prices, quantities and money are decimals, stored as the nearest doubles. A pair (high, low) of
doubles stands for their exact sum, with about 32 digits. `decimal` turns a double into the pair of
the decimal that the double stands for: for 0.1 the pair equals 0.1 to 32 digits.

Example: 3 * 1.005 of pairs is 3.015, which rounds to 3.02. The product of the doubles is
3.0149999999999997, which rounds to 3.01.
"""

from __future__ import annotations

import math

import numpy as np

from engine.runtime.jit import njit

POWERS = tuple(
    float(f"1e{digits}") for digits in range(23)
)  # those of ten that doubles hold exactly
LARGEST_WHOLE = 2.0**53  # whole numbers up to here are doubles
SPLITTER = 2.0**27 + 1.0  # halves a double's digits (Veltkamp)
PAIR_ERROR = 2.0**-98  # relative, of a few operations on pairs
STEP_ERROR = 2e-15  # relative, of a few operations on doubles
LEAST_STEP_ERROR = 1e-9  # steps of a grid: what differences of larger numbers leave


@njit
def _exact_product(a, b):
    """The product of two doubles as a pair (Dekker's algorithm)."""
    product = a * b
    wide = a * SPLITTER
    a_high = wide - (wide - a)
    a_low = a - a_high
    wide = b * SPLITTER
    b_high = wide - (wide - b)
    b_low = b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


@njit
def decimal(value):
    """The pair of the shortest decimal that rounds to a double.

    A double with 16 or more digits stands for itself.
    """
    for digits in range(len(POWERS)):
        power = POWERS[digits]
        whole = float(np.rint(value * power))
        if not abs(whole) <= LARGEST_WHOLE:
            break
        if whole / power == value:
            product, rest = _exact_product(value, power)
            return value, ((whole - product) - rest) / power
    return value, 0.0


@njit
def plus(a, b):
    """The sum of two pairs."""
    total = a[0] + b[0]
    moved = total - a[0]
    rest = (a[0] - (total - moved)) + (b[0] - moved) + (a[1] + b[1])
    high = total + rest
    return high, rest - (high - total)


@njit
def minus(a, b):
    """The difference of two pairs."""
    return plus(a, (-b[0], -b[1]))


@njit
def times(a, b):
    """The product of two pairs."""
    product, rest = _exact_product(a[0], b[0])
    rest += a[0] * b[1] + a[1] * b[0]
    high = product + rest
    return high, rest - (high - product)


@njit
def over(a, b):
    """The quotient of two pairs."""
    first = a[0] / b[0]
    rest = minus(a, times(b, (first, 0.0)))
    second = rest[0] / b[0]
    high = first + second
    return high, second - (high - first)


@njit
def add(a, b):
    """The sum of two decimals, as the nearest double: 0.1 and 0.2 are 0.3."""
    return plus(decimal(a), decimal(b))[0]


@njit
def multiply(a, b):
    """The product of two decimals, as the nearest double."""
    return times(decimal(a), decimal(b))[0]


@njit
def to_units(scale, amount):
    """A pair, in the currency's smallest unit, as a whole number.

    Rounded half away from zero, so that payer and payee get the same amount.
    """
    positive = amount if amount[0] >= 0.0 else (-amount[0], -amount[1])
    moved = plus(times(positive, (scale, 0.0)), (0.5, 0.0))
    whole = math.floor(moved[0])
    units = whole + math.floor((moved[0] - whole) + moved[1] + PAIR_ERROR * moved[0])
    return units if amount[0] >= 0.0 else -units


@njit
def to_grid(value, step, up, error=0.0):
    """The multiple of `step` at or next to a value, as the double nearest to that decimal.

    up     the multiple above rather than below
    error  rounding error of the value, in steps, where the value is a difference of larger ones

    A value that differs from a multiple by rounding errors only is that multiple.
    """
    steps = value / step
    whole = float(np.rint(steps))
    if abs(steps - whole) > max(error, LEAST_STEP_ERROR, STEP_ERROR * abs(steps)):
        whole = float(math.ceil(steps) if up else math.floor(steps))
    return times(decimal(step), (whole, 0.0))[0]
