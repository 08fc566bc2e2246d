"""One session of a pass: the rows that passed its clauses, with their columns, and what came of
them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.analysis.exact_sums import Demeaned, split
from engine.analysis.forward_returns import Forward
from engine.archive.archive import Archive
from engine.panel.bars import Floats, Ints
from engine.panel.symbol_table import SymbolTable
from engine.runtime.threads import in_threads
from engine.scan.cross_section import CrossSection
from engine.scan.session_hits import SessionHits


@dataclass(frozen=True)
class Returns:
    """Returns of a session's rows at one horizon.

    distances  float64[rows]: in units of the tick, from its mean; NaN for none
    highs, lows  int64[rows]: the return (engine/analysis/exact_sums.py), 0 for none
    wins       bool[rows]: whether it is above 0
    known, rest, units  [ticks], as `demean_rows` writes them
    """

    distances: Floats
    highs: Ints
    lows: Ints
    wins: NDArray[np.bool_]
    known: Ints
    rest: Floats
    units: Floats


@dataclass(frozen=True)
class SessionRows:
    """The rows of a session, sorted by tick and symbol.

    at       int64[rows]: the place of each row's tick among those that have rows
    who      int64[rows]: its symbol, of all that the archive has
    columns  of each column float64[rows], NaN for none, or bool[rows]
    returns  of each horizon
    """

    date: dt.date
    at: Ints
    who: Ints
    columns: Sequence[Any]
    returns: Sequence[Returns]

    def __len__(self) -> int:
        return len(self.at)


class Ahead:
    """Makes rows of what a pass found, and looks up what came of them."""

    def __init__(self, archive: Archive, horizons: Sequence[str]):
        self._forward, self._horizons = Forward(archive), horizons
        self.table = SymbolTable(archive.symbols())
        self._ids: tuple[SymbolTable | None, Ints] = None, np.empty(0, np.int64)

    def rows(self, cross: CrossSection, found: SessionHits) -> SessionRows:
        """The rows of a session that a pass found."""
        if self._ids[0] is not cross.table:
            self._ids = cross.table, self.table.ids(cross.table.series)
        first = np.diff(found.ticks, prepend=-1) > 0  # rows are in order of ticks
        ticks, at = found.ticks[first], np.cumsum(first) - 1
        who, date = self._ids[1][found.symbols], cross.session.date
        columns = [_array(column) for column in found.own_features.get_columns()]
        if not len(ticks):
            return SessionRows(date, at, who, columns, [])
        return SessionRows(date, at, who, columns, self._returns(date, cross.ticks[ticks], at, who))

    def _returns(self, date: dt.date, ticks: Ints, at: Ints, who: Ints) -> list[Returns]:
        outcomes = self._forward.outcomes(date, ticks, self.table)
        inside = np.ones(len(self.table), np.bool_)
        made: dict[str, Returns] = {}

        def one(horizon: str) -> None:
            values = outcomes.returns[horizon]
            demeaned = Demeaned.of(values, inside)
            own = values[at, who]
            highs, lows = split(np.nan_to_num(own, nan=0.0))
            made[horizon] = Returns(
                demeaned.values[at, who],
                highs,
                lows,
                own > 0.0,
                demeaned.known,
                demeaned.rest,
                demeaned.units,
            )

        in_threads(one, self._horizons)
        return [made[horizon] for horizon in self._horizons]


def _array(column: pl.Series) -> Any:
    if column.dtype == pl.Boolean:
        return column.fill_null(False).to_numpy()
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
