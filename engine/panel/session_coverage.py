"""How complete the bars of a session are, symbol by symbol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.panel.bars import Ints


@dataclass(frozen=True)
class Coverage:
    """Regular bars of one session.

    expected     bars that a symbol could have had
    present      int64[symbols]: that it has
    first, last  int64[symbols]: start of its first and last, microseconds; `engine.compute.bar_coverage.NEVER` without a bar
    longest      int64[symbols]: the longest time on end without a bar, microseconds
    """

    expected: int
    present: Ints
    first: Ints
    last: Ints
    longest: Ints

    @classmethod
    def empty(cls, symbols: int, expected: int) -> Coverage:
        """To be written into."""
        return cls(expected, *(np.empty(symbols, np.int64) for _ in range(4)))
