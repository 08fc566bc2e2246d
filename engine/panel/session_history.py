"""Sessions before a block, for the few symbols whose windows reach back further than the block's warm-up.

1. `walked`   each session that the run walks tells which symbols traded, and is kept for those that trade seldom
2. `session`  the bars of some symbols in an earlier session: kept ones, or its file's
3. `keep`     what was looked at when a block began is kept for the next block, in place of all that was kept before
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from engine.panel.bars import Ints
from engine.panel.session_panel import SessionPanel, slices
from engine.panel.symbol_table import SymbolTable

Which = NDArray[np.bool_]  # bool[symbols] of a history
Kept = tuple[Which, SessionPanel]  # a panel, and the symbols of which it has all bars


class SessionHistory:
    """Reads bars of earlier sessions for some of its symbols, as traded.

    dates    the archive's sessions, increasing
    symbols  of the run
    read     a session decoded for these symbols
    index    a session's symbols and row counts, where its file tells them without being decoded
    """

    def __init__(
        self,
        dates: Sequence[dt.date],
        symbols: SymbolTable,
        read: Callable[[dt.date], SessionPanel],
        index: Callable[[dt.date], tuple[list[str], Ints] | None],
    ):
        self.dates, self.symbols, self._read, self._index = dates, symbols, read, index
        self._traded: dict[dt.date, Which] = {}
        self._kept: dict[dt.date, Kept] = {}
        self._watched: Which = np.zeros(len(symbols), np.bool_)

    def walked(self, panel: SessionPanel) -> None:
        """The run walks a session."""
        date = panel.session.date
        self._traded[date] = panel.traded()
        if self._watched.any():
            self._kept[date] = self._watched, _copy(panel, self._watched)

    def before(self, date: dt.date, first: dt.date, sessions: int) -> list[dt.date]:
        """The sessions before `date`, the latest first; the last one is so many sessions before `first`."""
        begin, end = bisect_left(self.dates, first) - sessions, bisect_left(self.dates, date)
        return list(reversed(self.dates[max(0, begin) : end]))

    def session(self, date: dt.date, which: Which, more: Which) -> Kept | None:
        """The bars of some symbols and some more in a session, a copy; None where none of the first traded."""
        traded = self._traded_on(date)
        if traded is not None and not (traded & which).any():
            return None
        both, kept = which | more, self._kept.get(date)
        if kept is not None and traded is not None and not (both & traded & ~kept[0]).any():
            return both, _copy(kept[1], both)
        with closing(self._read(date)) as panel:
            self._traded[date] = panel.traded()
            return both, _copy(panel, both)

    def keep(self, panels: Mapping[dt.date, Kept], watched: Which) -> None:
        """Keep these sessions alone, and of those that are walked from now on the bars of the watched symbols."""
        self._kept, self._watched = dict(panels), watched

    def _traded_on(self, date: dt.date) -> Which | None:
        if date not in self._traded:
            index = self._index(date)
            if index is None:
                return None
            starts, ends = slices(self.symbols, index[0], np.asarray(index[1], np.int64))
            self._traded[date] = ends > starts
        return self._traded[date]


def _copy(panel: SessionPanel, which: Which) -> SessionPanel:
    return panel.only(np.flatnonzero(which)).sealed()
