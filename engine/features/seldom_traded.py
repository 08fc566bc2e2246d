"""Windows over symbols that trade seldom.

Their rows are sought in sessions before the warm-up, so that none is lost at a month's edge.

The warm-up of a month holds a window's rows for symbols that trade in a quarter of the bars. For
others sessions are read backwards, until a symbol has as many rows as its windows are functions of,
or `FeatureNode.reach_sessions` are read. What is found depends on the archive alone, whether the
run walked the month before or begins with this one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.features.feature_node import FeatureNode
from engine.features.feature_state import FeatureState, windows_that_reach
from engine.features.past_rows import PastKey
from engine.features.session_rows import SessionRows
from engine.panel.bars import Ints
from engine.panel.daily_panel import DailyBars
from engine.panel.session_history import Kept, SessionHistory
from engine.panel.session_panel import SessionPanel
from engine.panel.splits import Splits
from engine.panel.symbol_table import SymbolTable

NEARLY = 2  # times its windows' rows: symbols with fewer may be short of them a month later


@dataclass
class _Sought:
    """Windows that share their past, and the symbols whose rows are sought.

    size   rows that the longest of the windows is a function of
    dates  sessions that rows may be from
    ids    int64[k], symbols that have fewer rows
    found  int64[k], rows found of each so far
    """

    nodes: list[FeatureNode]
    size: int
    dates: set[dt.date]
    ids: Ints
    found: Ints

    def missing(self, date: dt.date) -> Ints:
        """The symbols of which rows are sought in a session."""
        return self.ids[self.found < self.size] if date in self.dates else self.ids[:0]


@dataclass(frozen=True, kw_only=True)
class SeldomTraded:
    """The symbols of a block that trade too seldom for its warm-up.

    first      the block's first session of its own
    benchmark  id of the benchmark symbol in the table, -1 where there is none
    """

    history: SessionHistory
    splits: Splits
    table: SymbolTable
    daily: DailyBars
    benchmark: int
    first: dt.date

    def fill(
        self, bank: FeatureState, nodes: Sequence[FeatureNode], date: dt.date, ids: Ints | None
    ) -> None:
        """Before the session of `date` is walked.

        Make windows of the bank that are short of rows anew from earlier ones.

        ids  restricts this to some symbols; None where the block begins
        """
        groups = windows_that_reach(nodes)
        sought = [self._sought(bank, key, group, date, ids) for key, group in groups.items()]
        sought = [one for one in sought if len(one.ids)]
        panels = self._read_back(sought, date) if sought else {}
        if ids is None:
            self.history.keep(panels, self._watched(bank, groups))
        if panels:
            self._walk(bank, sought, [panel for _, panel in reversed(panels.values())], date)

    def _sought(
        self,
        bank: FeatureState,
        key: PastKey,
        nodes: list[FeatureNode],
        date: dt.date,
        ids: Ints | None,
    ) -> _Sought:
        size, counts = max(node.window for node in nodes), bank.rows_walked(key)
        asked = np.arange(len(self.table)) if ids is None else ids
        short = asked[counts[asked] < size]
        reach = self.history.before(date, self.first, nodes[0].reach_sessions) if len(short) else []
        return _Sought(nodes, size, set(reach), short, np.zeros(len(short), np.int64))

    def _read_back(self, sought: Sequence[_Sought], date: dt.date) -> dict[dt.date, Kept]:
        """Sessions with rows that are sought, latest first: bars of them and the benchmark."""
        everyone, panels = self.history.symbols.ids(self.table.series), dict[dt.date, Kept]()
        longest = max((one.dates for one in sought), key=len)
        also = np.zeros(len(self.history.symbols), np.bool_)
        also[everyone[self._benchmarks]] = True
        for day in sorted(longest, reverse=True):
            ids = np.unique(np.concatenate([one.missing(day) for one in sought]))
            if not len(ids):
                break
            which = np.zeros(len(self.history.symbols), np.bool_)
            which[everyone[ids]] = True
            kept = self.history.session(day, which, also)
            if kept is None:
                continue
            panels[day] = kept
            rows = self._rows(kept[1].realign(self.table), self.benchmark)
            for one in sought:
                if day in one.dates:
                    bars = rows.bars(one.nodes[0].rows)
                    one.found += (bars.ends - bars.starts)[one.ids]
        return panels

    def _walk(
        self,
        bank: FeatureState,
        sought: Sequence[_Sought],
        panels: Sequence[SessionPanel],
        date: dt.date,
    ) -> None:
        """Walk the sessions, the earliest first, with a bank of the symbols alone.

        The block's bank has their states then.
        """
        ids = np.unique(np.concatenate([one.ids for one in sought]))
        names = [self.table.names[symbol] for symbol in ids]
        if self.benchmark >= 0:
            names.append(self.table.names[self.benchmark])
        table = SymbolTable(names)
        benchmark = -1 if self.benchmark < 0 else table.id(names[-1])
        assert benchmark is not None
        few = FeatureState([node for one in sought for node in one.nodes], len(table), bank.begins)
        for panel in panels:
            day, own = panel.session.date, self._scaled(panel.realign(table), table, date)
            nodes = [node for one in sought if day in one.dates for node in one.nodes]
            few.run(self._rows(own, benchmark), nodes, sample=False)
        for one in sought:
            places = table.ids([self.table.names[symbol] for symbol in one.ids])
            bank.take(few, one.nodes, one.ids, places)

    def _scaled(self, panel: SessionPanel, table: SymbolTable, date: dt.date) -> SessionPanel:
        """A session's bars in the scale of the session at hand."""
        splits = self.splits.between(table, panel.session.date, date)
        if not splits:
            return panel
        copy = panel.only(np.arange(len(table)))
        for _, symbol, ratio in splits:
            copy.rescale(symbol, ratio)
        return copy.sealed()

    @property
    def _benchmarks(self) -> list[int]:
        return [self.benchmark] if self.benchmark >= 0 else []

    def _rows(self, panel: SessionPanel, benchmark: int) -> SessionRows:
        return SessionRows(panel, self.daily, np.empty(0, np.int64), np.empty(0), benchmark)

    def _watched(
        self, bank: FeatureState, groups: dict[PastKey, list[FeatureNode]]
    ) -> NDArray[np.bool_]:
        """bool[symbols of the history]: those that are short of rows, or nearly so."""
        near = np.zeros(len(self.table), np.bool_)
        for key, nodes in groups.items():
            near |= bank.rows_walked(key) < NEARLY * max(node.window for node in nodes)
        if near.any():
            near[self._benchmarks] = True
        watched = np.zeros(len(self.history.symbols), np.bool_)
        watched[self.history.symbols.ids(self.table.series)[near]] = True
        return watched
