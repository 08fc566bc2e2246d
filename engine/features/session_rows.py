"""What feature nodes walk in a batch: bars by kind of rows, and the row that each tick sees."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.clock.interval import MICROS_A_MINUTE, Interval
from engine.features.feature_node import BENCHMARK, DAILY, REGULAR, TICKS, VISIBLE, FeatureNode
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.daily_panel import DailyBars, DailyPanel
from engine.panel.passes import Job
from engine.panel.session_panel import SessionPanel
from engine.runtime.buffers import Buffers

Panel = SessionPanel | DailyPanel


class SessionRows:
    """The rows of a panel's sessions.

    daily      the block's daily bars
    ticks      int64[ticks], microseconds UTC
    slots      float64[ticks]: index of each tick's time of day among those of the run
    benchmark  id of the benchmark symbol, -1 where there is none
    buffers    own the arrays that are made here; the panel's where left out
    """

    def __init__(
        self,
        panel: Panel,
        daily: DailyBars,
        ticks: Ints,
        slots: Floats,
        benchmark: int = -1,
        buffers: Buffers | None = None,
    ):
        self.panel, self.daily, self.ticks, self.slots, self._benchmark = (
            panel,
            daily,
            ticks,
            slots,
            benchmark,
        )
        self.buffers = panel.buffers if buffers is None else buffers
        self._bars: dict[str, Bars] = {}
        self._seen: dict[str, Ints] = {}
        self._benchmarks: dict[str, Floats] = {}

    def over(self, buffers: Buffers) -> SessionRows:
        """The same rows; arrays that are made from now on belong to `buffers`."""
        rows = SessionRows(self.panel, self.daily, self.ticks, self.slots, self._benchmark, buffers)
        rows._bars.update(self._bars)
        return rows

    def kind(self, rows: str) -> str:
        """One name for the same bars: visible bars are the regular ones unless the run sees
        extended hours.
        """
        if isinstance(self.panel, DailyPanel):
            return TICKS if rows == TICKS else DAILY
        return VISIBLE if rows == REGULAR and not self.panel.extended else rows

    def bars(self, rows: str) -> Bars:
        """The bars that nodes over `rows` walk."""
        kind = self.kind(rows)
        if kind not in self._bars:
            self._bars[kind] = self._make(kind)
        return self._bars[kind]

    def inputs(self, node: FeatureNode) -> tuple[Floats, ...]:
        """The columns that a node reads, float64[rows] each."""
        return tuple(self.column(node.rows, name) for name in node.inputs)

    def column(self, rows: str, name: str) -> Floats:
        """A column over the bars that nodes over `rows` walk, float64[rows]."""
        kind, bars = self.kind(rows), self.bars(rows)
        if name != BENCHMARK:
            return bars.column(name)
        if kind not in self._benchmarks:
            self._benchmarks[kind] = bars.latest_of(self._benchmark)
        return self._benchmarks[kind]

    def seen(self, rows: str, jobs: list[Job]) -> Ints:
        """int64[symbols, ticks]: the latest row visible at each tick; filled by a job."""
        kind, bars = self.kind(rows), self.bars(rows)
        if kind not in self._seen:
            seen = self._seen[kind] = self.buffers.empty(
                (len(bars.starts), len(self.ticks)), np.int64
            )
            jobs.append(lambda first, last: bars.find_rows(first, last, self.ticks, seen))
        return self._seen[kind]

    def seen_by(self, rows: str, ids: Ints) -> Ints:
        """int64[ids, ticks]: the latest row visible at each tick, for some symbols."""
        kind, bars = self.kind(rows), self.bars(rows)
        if kind in self._seen:
            return self._seen[kind][ids]
        found = np.empty((len(ids), len(self.ticks)), np.int64)
        bars.only(ids).find_rows(0, len(ids), self.ticks, found)
        return found

    def silent(self, rows: str) -> Ints:
        """Ids of the symbols without a bar in the last session."""
        bars = self.bars(rows)
        without = bars.ends == bars.starts
        if len(self.panel.sessions) == 1:
            return np.flatnonzero(without)
        last = self.session_of(np.where(without, 0, bars.ends - 1))
        return np.flatnonzero(without | (last < len(self.panel.sessions) - 1))

    def session_of(self, rows: Ints) -> Ints:
        """int64[rows]: index of the session, among the panel's, that a daily bar is of."""
        return self.daily.numbers(self.panel.sessions, rows)

    @cached_property
    def session_of_tick(self) -> Ints:
        """int64[ticks]: index of the session, among the panel's, that a tick is in."""
        return (
            np.searchsorted(
                [session.open for session in self.panel.sessions], self.ticks, side="right"
            )
            - 1
        )

    def before_known(self, node: FeatureNode) -> NDArray[np.bool_]:
        """bool[ticks]: whether a tick lies before a node has a value."""
        early: NDArray[np.bool_] = (
            self.ticks < self.panel.opens_of(self.ticks) + node.known_after * MICROS_A_MINUTE
        )
        return early

    def _make(self, kind: str) -> Bars:
        if kind == TICKS:
            return self._tick_rows()
        if kind == DAILY:
            return self.daily.of(self.panel.sessions, self.panel.buffers)
        if kind == VISIBLE:
            return self.panel.visible
        return self.panel.regular if kind == REGULAR else self.panel.bars(Interval.parse(kind))

    def _tick_rows(self) -> Bars:
        """One row a symbol and tick, symbol by symbol; FeatureState fills session_volume."""
        symbols, ticks = len(self.panel.table), len(self.ticks)
        starts = np.arange(symbols, dtype=np.int64) * ticks
        columns = {
            "session_volume": np.empty(symbols * ticks),
            "slot": np.tile(self.slots, symbols),
            "session": np.full(symbols * ticks, float(self.panel.sessions[0].date.toordinal())),
        }
        return Bars(starts, starts + ticks, np.tile(self.ticks, symbols), 0, columns)
