"""Room for recursion as deep as an expression is nested.

Why: Polars nests `a | b | c` a level a term, and Python refuses to recurse more than 1,000 levels
deep, whatever stack there is. Calls from Python to Python cost no stack of the machine's; only C
code does: less than a kilobyte a level.
The test: tests/scan/test_nesting.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

FRAMES = 20_000  # of Python, for walking what engine/scan/nesting.py allows


@contextmanager
def room_to_recurse() -> Iterator[None]:
    """Python may recurse as deep as an expression is nested."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
