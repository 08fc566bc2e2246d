"""The bars of one interval in one session, for every symbol of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.kernels.latest_rows import latest_rows

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass
class Bars:
    """Columns over all bars, and each symbol's slice of them.

    starts, ends   int64[symbols]; symbol s has the bars starts[s] .. ends[s]-1, in time order, none where equal
    known_at, lag  a bar is visible at a time t when known_at[bar] + lag <= t (microseconds)
    columns        name -> float64[bars]
    more           name -> function that makes a further column; it is kept once made
    """

    starts: Ints
    ends: Ints
    known_at: Ints
    lag: int
    columns: dict[str, Floats]
    more: Mapping[str, Callable[[], Floats]] = field(default_factory=dict)
    _made: dict[str, Floats] = field(default_factory=dict)

    def column(self, name: str) -> Floats:
        """The column `name`, float64[bars]."""
        if name in self.columns:
            return self.columns[name]
        if name not in self._made:
            self._made[name] = self.more[name]()
        return self._made[name]

    @property
    def longest(self) -> int:
        """The most bars a symbol has."""
        return int((self.ends - self.starts).max(initial=0))

    def find_rows(self, first: int, last: int, ticks: Ints, rows: Ints) -> None:
        """Write rows[symbol, tick] of symbols [first, last): the latest bar visible at each tick, below `starts` if none."""
        latest_rows(first, last, self.starts, self.ends, self.known_at, self.lag, ticks, rows)

    def of(self, symbol: int, until: int) -> slice:
        """The slice of the symbol's bars visible at time `until` (microseconds)."""
        start, end = int(self.starts[symbol]), int(self.ends[symbol])
        visible = int(np.searchsorted(self.known_at[start:end], until - self.lag, side="right"))
        return slice(start, start + visible)
