"""Order rows within their ticks, and rank the members of a tick."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.runtime.jit import njit

BITS, DIGITS = (
    8,
    4,
)  # four digits of eight bits are half a float64; the upper half tells nearly all values apart
HALF = np.uint64(BITS * DIGITS)
MASK, UPPER = np.uint64((1 << BITS) - 1), np.uint64(((1 << 32) - 1) << 32)
SIGN, LARGEST = np.uint64(1 << 63), np.uint64((1 << 64) - 1)
FEW = 64  # numbers that are sorted without digits
MOVES = 4  # a number, at most, to put right what the upper half leaves


class Space(NamedTuple):
    """Where numbers are sorted.

    keys    their keys, as they stand
    places  half a key above where it stands, in the order of the keys; `others` is what they are
            moved to and fro from
    starts  of each digit, where the numbers with each of its values begin
    """

    keys: NDArray[np.uint64]
    places: NDArray[np.uint64]
    others: NDArray[np.uint64]
    starts: NDArray[np.int32]


@njit
def order_rows(ticks, keys, order, ranks):
    """Write the stable order of each tick's rows by key, lowest first, and the ranks 1, 2, 3 ...

    ticks  int64[rows], increasing
    keys   float64[rows]; NaN comes last
    order  int64[rows], row numbers
    ranks  uint32[rows]
    """
    space = _space(_longest(ticks))
    end = 0
    while end < len(ticks):
        start = end
        while end < len(ticks) and ticks[end] == ticks[start]:
            end += 1
        bits = keys[start:end].view(np.uint64)
        for row in range(end - start):
            space.keys[row] = _key_of(bits[row], keys[start + row])
        places = _sorted(space, end - start)
        for row in range(end - start):
            order[start + row], ranks[start + row] = start + _place(places[row]), row + 1


@njit
def rank_members(values, descending, highest, share, within, places, ranks):
    """Write the rank of each number in its row: 1 for the smallest, or largest if `descending`.

    values  float64[rows, members]; the rank of NaN is NaN
    within  float64: ranks above it need not be exact, and may all be infinite
    places  int64[rows]: the row of `ranks`, float64, that each row's ranks are written to

    Ties share the smallest of their ranks, or the largest with `highest`. With `share` a rank is
    divided by the count of numbers (times 1 / count, as Polars does).
    """
    space, who = _space(values.shape[1]), np.empty(values.shape[1], np.int64)
    for row in range(len(values)):
        out, bits, count = ranks[places[row]], values[row].view(np.uint64), 0
        for i in range(len(out)):
            key = _key_of(bits[i], values[row, i])
            space.keys[count], who[count] = ~key if descending else key, i
            known = values[row, i] == values[row, i]
            count += known
            out[i] = np.inf if known else np.nan
        sorted_count = count if within >= count else _first_keys(space, who, count, within)
        order = _sorted(space, sorted_count)
        end = 0
        while end < sorted_count:
            start, key = end, space.keys[_place(order[end])]
            while end < sorted_count and space.keys[_place(order[end])] == key:
                end += 1
            rank = float(end if highest else start + 1)
            for i in range(start, end):
                out[who[_place(order[i])]] = rank * (1.0 / count) if share else rank


@njit
def _first_keys(space, who, count, within):
    """Move the keys that may rank among the first `within`, ties included, to the front.

    The order stays stable. Returns their number. Keys are counted in buckets of equal width over
    their range.
    """
    keys, counts = space.keys, space.starts[0]
    lowest, highest = LARGEST, np.uint64(0)
    for i in range(count):
        lowest, highest = min(lowest, keys[i]), max(highest, keys[i])
    shift = np.uint64(0)
    while (highest - lowest) >> shift >= np.uint64(len(counts)):
        shift += np.uint64(1)
    counts[:] = 0
    for i in range(count):
        counts[(keys[i] - lowest) >> shift] += 1
    bucket = upto = 0
    while upto + counts[bucket] < within:
        upto, bucket = upto + counts[bucket], bucket + 1
    front = 0
    for i in range(count):
        key = keys[i]
        keys[front], who[front] = key, who[i]
        front += np.int64((key - lowest) >> shift) <= bucket
    return front


@njit
def _longest(ticks):
    """The largest number of rows of a tick."""
    longest = start = 0
    for row in range(len(ticks)):
        if ticks[row] != ticks[start]:
            start = row
        longest = max(longest, row - start + 1)
    return longest


@njit
def _space(size):
    numbers = np.empty((3, size), np.uint64)
    return Space(numbers[0], numbers[1], numbers[2], np.empty((DIGITS, 1 << BITS), np.int32))


@njit
def _place(number):
    """The row number, the lower half of a sort key."""
    return np.int64(number & ~UPPER)


@njit
def _key_of(bits, value):
    """An unsigned integer that sorts as the float64 does; NaN is the largest, 0 equals -0."""
    if value != value:
        return LARGEST
    if value == 0.0:
        return SIGN
    return ~bits if bits & SIGN else bits | SIGN


@njit
def _sorted(space, count):
    """Row numbers of the first `count` keys in key order, ties stable: a radix sort.

    Keys are sorted by their upper half, then the few ties by insertion; many ties are sorted by the
    lower half as well.
    """
    keys, places = space.keys, space.places
    for i in range(count):
        places[i] = (keys[i] & UPPER) | np.uint64(i)
    if count <= FEW:
        _insert(keys, places, count, count * count)
        return places
    upper, _ = _by_digits(places, space.others, space.starts, count)
    if not _insert(keys, upper, count, MOVES * count):
        for i in range(count):
            places[i] = (keys[i] << HALF) | np.uint64(i)
        lower, others = _by_digits(places, space.others, space.starts, count)
        for i in range(count):
            lower[i] = (keys[_place(lower[i])] & UPPER) | np.uint64(_place(lower[i]))
        upper, _ = _by_digits(lower, others, space.starts, count)
    return upper


@njit
def _insert(keys, places, count, moves):
    """Sort places by their keys by insertion; False if that takes more than `moves` moves."""
    for i in range(1, count):
        place, at = places[i], i
        key = keys[_place(place)]
        while at and keys[_place(places[at - 1])] > key:
            places[at] = places[at - 1]
            at -= 1
        places[at] = place
        moves -= i - at
        if moves < 0:
            return False
    return True


@njit
def _by_digits(numbers, others, starts, count):
    """Radix sort of `count` numbers by their upper half; the sorted array, and the spare one."""
    starts[:] = 0
    for i in range(count):
        for digit in range(DIGITS):
            starts[digit, (numbers[i] >> (HALF + np.uint64(BITS * digit))) & MASK] += 1
    for digit in range(DIGITS):
        shift = HALF + np.uint64(BITS * digit)
        if starts[digit, (numbers[0] >> shift) & MASK] == count:
            continue  # the same digit in all: in order already
        at = 0
        for value in range(1 << BITS):
            at, starts[digit, value] = at + starts[digit, value], at
        for i in range(count):
            value = (numbers[i] >> shift) & MASK
            others[starts[digit, value]] = numbers[i]
            starts[digit, value] += 1
        numbers, others = others, numbers
    return numbers, others
