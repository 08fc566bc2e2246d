"""Scratch memory that passes hand to each other.

work[0] is where the part that is not in use begins. It is given to every kernel that has a
parameter `work`, empty. A pass that takes of it puts work[0] back when it is done. Asking the
system for memory at every call would cost more than the arithmetic.
"""

import numpy as np

from engine.runtime.jit import njit


@njit
def take(length, work):
    """A float64 array of `length` entries, with whatever was in it."""
    start = int(work[0])
    if start + length > len(work):
        return np.empty(length)
    work[0] = start + length
    return work[start : start + length]


@njit
def take_zeros(length, work):
    """A float64 array of `length` zeros."""
    taken = take(length, work)
    taken[:] = 0.0
    return taken
