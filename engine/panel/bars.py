"""The bars of one interval in one session, for every symbol of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.compute.latest_rows import latest_rows

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass
class Bars:
    """Columns over all bars of one interval, and each symbol's slice of them.

    starts, ends  int64 [symbols]: symbol s has the bars starts[s] .. ends[s] - 1 in time order; a
                  symbol without bars has starts[s] == ends[s]
    known_at, lag  int64 [bars] and int, microseconds: a bar is visible at time t when known_at[bar]
                   + lag <= t
    columns        name -> float64 [bars]
    times          int64 [bars]: what bars are ordered by, where that is not `known_at`
    reach          starts and ends of all rows of each symbol, where they are wider than `starts`,
                   `ends`
    more           name -> function that computes a further column; its result is kept
    """

    starts: Ints
    ends: Ints
    known_at: Ints
    lag: int
    columns: dict[str, Floats]
    more: Mapping[str, Callable[[], Floats]] = field(default_factory=dict)
    times: Ints | None = None
    reach: tuple[Ints, Ints] | None = None
    _made: dict[str, Floats] = field(default_factory=dict)

    def column(self, name: str) -> Floats:
        """The column `name`, float64 [bars]."""
        if name in self.columns:
            return self.columns[name]
        if name not in self._made:
            self._made[name] = self.more[name]()
        return self._made[name]

    @property
    def longest(self) -> int:
        """The largest number of bars of any symbol."""
        return int((self.ends - self.starts).max(initial=0))

    def only(self, symbols: Ints) -> Bars:
        """The same bars for the symbols with these ids (int64), in that order."""
        return replace(self, starts=self.starts[symbols], ends=self.ends[symbols])

    def rows_of(self, symbols: Ints) -> Ints:
        """Row numbers of the bars of some symbols, int64, symbol by symbol."""
        return rows_of(self.starts[symbols], self.ends[symbols])

    def latest_of(self, symbol: int) -> Floats:
        """float64 [bars]: the latest close of one symbol at each bar of all symbols.

        NaN before the symbol's first bar, and everywhere where `symbol` is below 0.
        """
        times = self.known_at if self.times is None else self.times
        starts, ends = self.reach or (self.starts, self.ends)
        start, end = (int(starts[symbol]), int(ends[symbol])) if symbol >= 0 else (0, 0)
        rows = np.searchsorted(times[start:end], times, side="right") - 1
        return (
            np.where(rows >= 0, self.column("close")[start:end][rows], np.nan)
            if end > start
            else np.full(len(times), np.nan)
        )

    def find_rows(self, first: int, last: int, ticks: Ints, rows: Ints) -> None:
        """Write rows[symbol, tick], the row of the latest bar visible at each tick.

        For the symbols first .. last - 1. `ticks` are microseconds, int64 [ticks]; `rows` is int64
        [symbols, ticks]. A row below `starts[symbol]` means that no bar is visible yet.
        """
        latest_rows(first, last, self.starts, self.ends, self.known_at, self.lag, ticks, rows)

    def of(self, symbol: int, until: int) -> slice:
        """The slice of the symbol's bars that are visible at time `until` (microseconds)."""
        start, end = int(self.starts[symbol]), int(self.ends[symbol])
        visible = int(np.searchsorted(self.known_at[start:end], until - self.lag, side="right"))
        return slice(start, start + visible)


def joined(parts: Sequence[Ints]) -> Ints:
    """The arrays one after the other; a single array is returned without a copy."""
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])


def rows_of(starts: Ints, ends: Ints) -> Ints:
    """Row numbers of the slices starts[i] .. ends[i] - 1, one slice after the other, int64.

    Example: starts [0, 5] and ends [2, 6] give [0, 1, 5].
    """
    lengths = ends - starts
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
