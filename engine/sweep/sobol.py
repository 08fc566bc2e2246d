"""Sobol points: a sequence that fills the unit cube evenly however soon it ends.

Direction numbers of Stephen Joe and Frances Kuo, Constructing Sobol sequences with better
two-dimensional projections (SIAM J. Sci. Comput. 30, 2008), file new-joe-kuo-6; Gray code order of
Antonov and Saleev (1979).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

BITS = 32
# Of each dimension after the first: the primitive polynomial, both its outer terms among the bits,
# and the first numbers m.
DIRECTIONS = (
    (3, (1,)),
    (7, (1, 3)),
    (11, (1, 3, 1)),
    (13, (1, 1, 1)),
    (19, (1, 1, 3, 3)),
    (25, (1, 3, 5, 13)),
    (37, (1, 1, 5, 5, 17)),
    (41, (1, 1, 5, 5, 5)),
    (47, (1, 1, 7, 11, 19)),
    (55, (1, 1, 5, 1, 1)),
    (59, (1, 1, 1, 3, 11)),
    (61, (1, 3, 5, 5, 31)),
    (67, (1, 3, 3, 9, 7, 49)),
    (91, (1, 1, 1, 15, 21, 21)),
    (97, (1, 3, 1, 13, 27, 49)),
    (103, (1, 1, 1, 15, 7, 5)),
    (109, (1, 3, 1, 15, 13, 25)),
    (115, (1, 1, 5, 5, 19, 61)),
    (131, (1, 3, 7, 11, 23, 15, 103)),
    (137, (1, 3, 7, 13, 13, 15, 69)),
)
MOST_AXES = len(DIRECTIONS) + 1


def sobol(dimensions: int, seed: int) -> Callable[[int, int], NDArray[np.float64]]:
    """What gives the points [first, last), float64[points, dimensions] in [0, 1).

    Seed 0 leaves the sequence as it is.

    Another seed shifts all points digitally: each dimension's bits are flipped by a mask drawn for
    it.
    """
    directions = np.array([_directions(place) for place in range(dimensions)], np.uint64)
    shift = np.zeros(dimensions, np.uint64)
    if seed:
        shift = np.random.default_rng(seed).integers(0, 1 << BITS, dimensions, np.uint64)

    def points(first: int, last: int) -> NDArray[np.float64]:
        numbers = np.arange(first, last, dtype=np.uint64)
        gray = numbers ^ (numbers >> np.uint64(1))
        found = np.broadcast_to(shift, (len(numbers), dimensions)).copy()
        for bit in range(BITS):
            there = ((gray >> np.uint64(bit)) & np.uint64(1)).astype(np.bool_)
            found[there] ^= directions[:, bit]
        return found / float(1 << BITS)

    return points


def _directions(place: int) -> list[int]:
    """The direction numbers of a dimension, as integers of BITS bits."""
    if place == 0:
        return [1 << (BITS - 1 - bit) for bit in range(BITS)]
    polynomial, first = DIRECTIONS[place - 1]
    degree, numbers = len(first), list(first)
    for bit in range(degree, BITS):
        number = numbers[bit - degree] ^ (numbers[bit - degree] << degree)
        for back in range(1, degree):
            if polynomial >> (degree - back) & 1:
                number ^= numbers[bit - back] << back
        numbers.append(number)
    return [number << (BITS - 1 - bit) for bit, number in enumerate(numbers[:BITS])]
