"""The symbols of a session batch and their ids.

Every per-symbol array of the engine is in the order of these ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

import numpy as np
import polars as pl
from numpy.typing import NDArray

FEW = 2_000  # up to so many symbols, one dictionary look-up each is faster than a cast to an enum


class SymbolTable:
    """Sorted, unique symbols with the ids 0 .. n - 1."""

    def __init__(self, symbols: Iterable[str]):
        self.names: tuple[str, ...] = tuple(sorted(set(symbols)))
        self.series = pl.Series("symbol", self.names, dtype=pl.String)
        self._ids = {name: i for i, name in enumerate(self.names)}
        self._enum = pl.Enum(list(self.names))

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._ids

    def is_of(self, symbols: Set[str]) -> bool:
        """Whether the table holds exactly these symbols."""
        return self._ids.keys() == symbols

    def id(self, symbol: str) -> int | None:
        """The symbol's id, or None where the table does not hold it."""
        return self._ids.get(symbol)

    def ids(self, symbols: Sequence[str] | pl.Series) -> NDArray[np.int64]:
        """int64 [symbols]: the ids of `symbols`, -1 where the table does not hold one."""
        if isinstance(symbols, pl.Series) and len(symbols) > FEW:
            return (
                symbols.cast(self._enum, strict=False)
                .to_physical()
                .cast(pl.Int64)
                .fill_null(-1)
                .to_numpy()
            )
        return np.fromiter(
            (self._ids.get(symbol, -1) for symbol in symbols), np.int64, len(symbols)
        )
