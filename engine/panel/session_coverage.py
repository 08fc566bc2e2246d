"""How complete the bars of a session are, symbol by symbol."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.panel.bars import Ints


@dataclass(frozen=True)
class Coverage:
    """The regular-hours bars of one session, per symbol.

    expected  number of bars that a symbol with a bar in every interval has
    present   int64 [symbols]: number of bars
    first, last  int64 [symbols]: start of the first and of the last bar, microseconds UTC;
                 `engine.compute.bar_coverage.NEVER` where there is no bar
    longest   int64 [symbols]: the longest time without a bar, microseconds
    """

    expected: int
    present: Ints
    first: Ints
    last: Ints
    longest: Ints

    @classmethod
    def empty(cls, symbols: int, expected: int) -> Coverage:
        """Arrays of the right size with undefined values, for the caller to fill."""
        return cls(expected, *(np.empty(symbols, np.int64) for _ in range(4)))
