"""Bars of sessions before a warm-up block, for symbols that the block's warm-up is too short for.

Such symbols trade rarely, so that e.g. their last 200 bars lie in many sessions.

1. `walked`   is called with each session of the run: notes which symbols traded, and keeps bars of
              the watched symbols
2. `session`  returns some symbols' bars of an earlier session, kept ones or those of the file
3. `keep`     replaces what is kept by the sessions that were read at the begin of a block
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
    """Unscaled bars of earlier sessions for some symbols.

    dates    the archive's sessions, increasing
    symbols  the run's symbols
    read     decodes a session for `symbols`
    index    a session's symbols and row counts, or None where only decoding the file tells them
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
        """Note a session that the run computes: who traded, and the watched symbols' bars."""
        date = panel.session.date
        self._traded[date] = panel.traded()
        if self._watched.any():
            self._kept[date] = self._watched, _copy(panel, self._watched)

    def before(self, date: dt.date, first: dt.date, sessions: int) -> list[dt.date]:
        """The sessions before `date`, the latest first.

        The list ends `sessions` sessions before the date `first`.
        """
        begin, end = bisect_left(self.dates, first) - sessions, bisect_left(self.dates, date)
        return list(reversed(self.dates[max(0, begin) : end]))

    def session(self, date: dt.date, which: Which, more: Which) -> Kept | None:
        """The bars of the symbols in `which` or `more` in a session, and the mask of these symbols.

        which, more  bool [symbols]

        None where no symbol of `which` traded. The bars are a copy.
        """
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
        """Keep only `panels`; from now on keep the bars of the watched symbols of each session.

        watched  bool [symbols]
        """
        self._kept, self._watched = dict(panels), watched

    def _traded_on(self, date: dt.date) -> Which | None:
        """bool [symbols]: which symbols have bars in a session; None where not known yet."""
        if date not in self._traded:
            index = self._index(date)
            if index is None:
                return None
            starts, ends = slices(self.symbols, index[0], np.asarray(index[1], np.int64))
            self._traded[date] = ends > starts
        return self._traded[date]


def _copy(panel: SessionPanel, which: Which) -> SessionPanel:
    """A read-only copy of the bars of the symbols in `which`, bool [symbols]."""
    return panel.only(np.flatnonzero(which)).sealed()
