"""Sharpe ratios of many variants in every half of the parts and in its complement, compiled.

A half is a union of parts out of the first ones (a row of the tables `first_*`) and of parts out of
the last ones (a row of `last_*`), so that its sums are two numbers added up. Ratios are compared as
ratio * |ratio|, which needs no root and has the same order, and in 24 bits: what agrees in seven
digits is equal. Variants of a single trade each have the same ratio, which comes out of rounding as
several.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.runtime.jit import njit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ROUNDING = 1e-12  # of the sum of squares: deviations whose squares add up to less are nothing
SPLITTER = 2.0**29 + 1.0  # x * s - (x * s - x) has the first 24 of x's 53 bits (Veltkamp)


@njit
def part_sums(
    part: int, begin: int, end: int, returns: Floats, sums: Floats, squares: Floats
) -> None:
    """Add up the periods [begin, end) of a part, and their squares.

    returns        float64[periods, variants]
    sums, squares  float64[parts, variants], of which row `part` is written
    """
    total, square = sums[part], squares[part]
    total[:] = 0.0
    square[:] = 0.0
    for period in range(begin, end):
        row = returns[period]
        for variant in range(len(row)):
            total[variant] += row[variant]
            square[variant] += row[variant] * row[variant]


@njit
def union_sums(values: Floats, out: Floats) -> None:
    """Add up parts, float64[parts, variants], for every set of them, float64[2**parts, variants].

    The set of row k holds part i where bit i of k is 1.
    """
    for variant in range(values.shape[1]):
        out[0, variant] = 0.0
    for part in range(values.shape[0]):
        size = 1 << part
        for row in range(size):
            for variant in range(values.shape[1]):
                out[size + row, variant] = out[row, variant] + values[part, variant]


@njit
def _signed_squares(  # type: ignore[no-untyped-def]
    first_sums, last_sums, first_squares, last_squares, periods, out
):
    """Write ratio * |ratio| of each variant in one half; 0 where its returns do not vary."""
    for variant in range(len(out)):
        total = first_sums[variant] + last_sums[variant]
        squares = first_squares[variant] + last_squares[variant]
        mean = total / periods
        deviations = squares - total * mean
        ratio = mean * abs(mean) * (periods - 1) / deviations
        spread_out = ratio * SPLITTER
        rounded = spread_out - (spread_out - ratio)
        out[variant] = rounded if deviations > ROUNDING * squares else 0.0


@njit
def both_halves(  # type: ignore[no-untyped-def]
    split, rows, periods, first_sums, last_sums, first_squares, last_squares, scratch
):
    """Write signed squares of a split's half to scratch[0] and of its complement to scratch[1].

    rows     int64[splits, 2]: the half's rows in the tables of first and last parts
    periods  int64[splits, 2]: of the half and of the complement
    tables   float64[2**(parts / 2), variants]
    scratch  float64[2, variants]
    """
    first, last = rows[split, 0], rows[split, 1]
    for half in range(2):
        _signed_squares(
            first_sums[first],
            last_sums[last],
            first_squares[first],
            last_squares[last],
            float(periods[split, half]),
            scratch[half],
        )
        first, last = len(first_sums) - 1 - first, len(last_sums) - 1 - last


@njit
def best_of_halves(  # type: ignore[no-untyped-def]
    begin,
    end,
    rows,
    periods,
    first_sums,
    last_sums,
    first_squares,
    last_squares,
    offset,
    chosen,
    inside,
    outside,
):
    """Update the best variant of both halves of splits [begin, end) by a block of variants.

    offset   number of the block's first variant
    chosen   int64[splits, 2]: the best variant in the half and in the complement, -1 at first
    inside   float64[splits, 2]: its signed square there
    outside  float64[splits, 2]: its signed square in the other half
    """
    scratch = np.empty((2, first_sums.shape[1]))
    for split in range(begin, end):
        both_halves(
            split, rows, periods, first_sums, last_sums, first_squares, last_squares, scratch
        )
        for half in range(2):
            values = scratch[half]
            best, place = inside[split, half], -1
            if chosen[split, half] < 0:
                best, place = values[0], 0
            for variant in range(len(values)):
                if values[variant] > best:
                    best, place = values[variant], variant
            if place >= 0:
                chosen[split, half] = offset + place
                inside[split, half] = best
                outside[split, half] = scratch[1 - half, place]


@njit
def count_below(  # type: ignore[no-untyped-def]
    begin,
    end,
    rows,
    periods,
    first_sums,
    last_sums,
    first_squares,
    last_squares,
    outside,
    below,
    equal,
):
    """Count a block's variants that are below the chosen one, or equal to it, out of sample.

    outside       float64[splits, 2], as `best_of_halves` leaves it
    below, equal  int64[splits, 2], added to
    """
    scratch = np.empty((2, first_sums.shape[1]))
    for split in range(begin, end):
        both_halves(
            split, rows, periods, first_sums, last_sums, first_squares, last_squares, scratch
        )
        for half in range(2):
            value, values = outside[split, half], scratch[1 - half]
            less, same = 0, 0
            for variant in range(len(values)):
                less += values[variant] < value
                same += values[variant] == value
            below[split, half] += less
            equal[split, half] += same
