"""What scanning needs of SessionData, which lives in a room below."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.panel.symbol_table import SymbolTable


class SymbolStore(Protocol):
    """The part of SessionData that the scanner manager calls."""

    @property
    def table(self) -> SymbolTable:
        """The session's symbols."""
        ...

    def promote(self, rows: NDArray[np.int64], source: str) -> NDArray[np.bool_]:
        """Add symbols by id; True for those that were not active."""
        ...

    def promote_in_turn(
        self,
        rows: NDArray[np.int64],
        times: NDArray[np.int64],
        sources: Sequence[str],
        by: NDArray[np.int64],
        dates: Sequence[dt.date],
        on: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """As `promote`, for hits one after the other.

        by, on  int64 [hits]: the number of each hit's source, and of its session
        """
        ...

    def take_added(self) -> set[str]:
        """The symbols added since the last call."""
        ...

    def acting_as(self, source: str) -> AbstractContextManager[None]:
        """Log what is added or removed meanwhile as the work of `source`."""
        ...
