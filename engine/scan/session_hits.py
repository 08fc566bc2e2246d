"""The hits of a scanner in a session batch, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.panel.bars import Ints

Counts = NDArray[np.uint32]


@dataclass(frozen=True)
class SessionHits:
    """What a scanner found in a session, sorted by tick and rank.

    scanned    symbols looked at, at every tick
    ticks      int64[hits], index of the tick in the cross-section
    symbols    int64[hits], ids in the cross-section's table
    ranks      uint32[hits], 1 is the best of its tick
    features   one row a hit, of these from row `first` on: sessions that were evaluated together
               share them
    funnel     clause name -> uint32[ticks of the cross-section], rows left after the clause
    """

    scanned: int
    ticks: Ints
    symbols: Ints
    ranks: NDArray[np.uint32]
    features: pl.DataFrame
    funnel: dict[str, NDArray[np.uint32]]
    first: int = 0

    def of_session(self, first: int, last: int) -> SessionHits:
        """The hits of ticks [first, last), which are counted from 0 then."""
        start, stop = np.searchsorted(self.ticks, (first, last)).tolist()
        funnel = {name: counts[first:last] for name, counts in self.funnel.items()}
        return SessionHits(
            self.scanned,
            self.ticks[start:stop] - first,
            self.symbols[start:stop],
            self.ranks[start:stop],
            self.features,
            funnel,
            self.first + start,
        )

    def only(self, rows: Ints) -> SessionHits:
        """The hits in some of the rows, in their order."""
        if len(rows) == len(self.ticks) and (rows == np.arange(len(rows))).all():
            return self
        features = self.features[self.first + rows] if self.features.width else self.features
        return replace(
            self,
            ticks=self.ticks[rows],
            symbols=self.symbols[rows],
            ranks=self.ranks[rows],
            features=features,
            first=0,
        )

    @property
    def own_features(self) -> pl.DataFrame:
        """The features, a row a hit."""
        return self.features.slice(self.first, len(self.ticks))

    def at(self, tick: int) -> slice:
        """The hits of one tick."""
        return slice(self._bounds[tick], self._bounds[tick + 1])

    @cached_property
    def _bounds(self) -> list[int]:
        """Where each tick's hits begin, and at last where they end: looked up once, asked for at
        every tick.
        """
        ticks = len(next(iter(self.funnel.values())))
        bounds: list[int] = np.searchsorted(self.ticks, np.arange(ticks + 1)).tolist()
        return bounds

    def qualified(self, ticks: int | Ints) -> Counts:
        """How many symbols passed all clauses at a tick, or at several, before the limit."""
        left: Counts = list(self.funnel.values())[-1][ticks]
        return left


def join_hits(parts: Sequence[SessionHits], scanned: int) -> SessionHits:
    """Hits of consecutive parts of a batch as one; `scanned` is the number of scanned symbols."""
    return SessionHits(
        scanned,
        np.concatenate([part.ticks for part in parts]),
        np.concatenate([part.symbols for part in parts]),
        np.concatenate([part.ranks for part in parts]),
        pl.concat([part.features for part in parts]),
        {
            name: np.sum([part.funnel[name] for part in parts], axis=0, dtype=np.uint32)
            for name in parts[0].funnel
        },
    )
