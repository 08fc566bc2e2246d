"""The order of rows within each of their ticks, and ranks among the members of a tick."""

import numpy as np

from engine.kernels.jit import njit

BITS, DIGITS = 11, 6  # six digits of eleven bits hold a float64
MASK, SIGN, LARGEST = np.uint64((1 << BITS) - 1), np.uint64(1 << 63), np.uint64((1 << 64) - 1)


@njit
def order_rows(ticks, keys, order, ranks):
    """Write to `order` the rows of each tick by their key, lowest first, equal ones as they stand; to `ranks` 1, 2, 3 ... of each.

    ticks  int64[rows], increasing
    keys   float64[rows], no NaN
    order  int64[rows], ranks uint32[rows]
    """
    end = 0
    while end < len(ticks):
        start = end
        while end < len(ticks) and ticks[end] == ticks[start]:
            end += 1
        order[start:end] = start + np.argsort(keys[start:end], kind="mergesort")
        for row in range(start, end):
            ranks[row] = row - start + 1


@njit
def rank_members(values, known, descending, highest, share, places, ranks):
    """Write the rank of each known value among those of its row, 1 for the smallest or, descending, the largest; NaN for others.

    values, known  float64 and bool [rows, members]; a NaN that is known is larger than any number
    places         int64[rows]: which row of `ranks`, float64, each goes to

    Equal values share the smallest of their ranks, or the `highest`; with `share` it is the share of all that are known (times
    1 / count, as Polars divides by one number). Sorted by the digits of their bits (radix), eleven at a time.
    """
    members = values.shape[1]
    keys, other_keys = np.empty(members, np.uint64), np.empty(members, np.uint64)
    who, other_who = np.empty(members, np.int32), np.empty(members, np.int32)
    starts = np.empty((DIGITS, 1 << BITS), np.int32)
    for row in range(len(values)):
        out = ranks[places[row]]
        count = _keys_of(values[row].view(np.uint64), values[row], known[row], descending, keys, who, out)
        starts[:] = 0
        for i in range(count):
            for digit in range(DIGITS):
                starts[digit, (keys[i] >> np.uint64(BITS * digit)) & MASK] += 1
        for digit in range(DIGITS):
            if count and starts[digit, (keys[0] >> np.uint64(BITS * digit)) & MASK] == count:
                continue  # the same digit in all: in order already
            at = 0
            for value in range(1 << BITS):
                at, starts[digit, value] = at + starts[digit, value], at
            for i in range(count):
                value = (keys[i] >> np.uint64(BITS * digit)) & MASK
                other_keys[starts[digit, value]], other_who[starts[digit, value]] = keys[i], who[i]
                starts[digit, value] += 1
            keys, other_keys, who, other_who = other_keys, keys, other_who, who
        end = 0
        while end < count:
            start = end
            while end < count and keys[end] == keys[start]:
                end += 1
            rank = float(end if highest else start + 1)
            for i in range(start, end):
                out[who[i]] = rank * (1.0 / count) if share else rank


@njit
def _keys_of(bits, values, known, descending, keys, who, out):
    """Whole numbers in the order of the known values, and whose they are; NaN in `out` for the others. Returns how many."""
    count = 0
    for i in range(len(values)):
        if not known[i]:
            out[i] = np.nan
            continue
        if values[i] != values[i]:
            key = LARGEST
        elif values[i] == 0.0:
            key = SIGN  # 0 and -0 alike
        else:
            key = ~bits[i] if bits[i] & SIGN else bits[i] | SIGN
        keys[count], who[count] = ~key if descending else key, i
        count += 1
    return count
