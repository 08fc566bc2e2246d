"""A warm-up block: a month of sessions whose states are seeded from the sessions before it.

Every block is computed from its own warm-up. So a month has the same values to the last bit alone,
in a ten-year run, and on any worker. While one block is scanned, the next is seeded from the same
decoded bars, so that nothing is read twice. Where bars are daily the block is a year.

    1. `due`      the nodes that walk a batch: those whose warm-up has begun
    2. `advance`  splits of the day: states of their symbols are computed anew in the new scale
    3.            at the block's first session daily nodes walk their history, and windows of
                  symbols that trade seldom are filled from sessions before the warm-up
    4.            due nodes walk the batch; in the block's own sessions they are sampled
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from engine.clock.calendar import Session
from engine.features.feature_node import DAILY, TICKS, FeatureNode
from engine.features.feature_state import BatchFeatures, Columns, FeatureState
from engine.features.lazy_columns import LazyColumns
from engine.features.seldom_traded import SeldomTraded
from engine.features.session_rows import Panel, SessionRows
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.daily_panel import DailyBars, DailyPanel
from engine.panel.dividends import Dividends
from engine.panel.session_history import SessionHistory
from engine.panel.session_panel import SessionPanel
from engine.panel.splits import Splits
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import Buffers

DIVIDEND, CLOSE_EX = "dividend", "close_ex"  # previous columns made from corporate actions
OF_ACTIONS = frozenset({DIVIDEND, CLOSE_EX})
TicksOf = Callable[[Session], tuple[Ints, Floats]]  # a session's ticks, and their slots


def block_of(date: dt.date, by_day: bool) -> tuple[int, int]:
    """The block that a session belongs to: its calendar month, or where bars are daily its year.

    A warm-up of many days would cost more than a month of them.
    """
    return (date.year, 0) if by_day else (date.year, date.month)


@dataclass(frozen=True)
class BlockSample:
    """The columns of a batch, for the block's symbols; valid as long as the batch's panel.

    panel     the batch's bars
    columns   name -> float64[ticks, symbols]
    previous  daily column -> float64[sessions, symbols]: the last value before each session
    lazy      columns that are computed for the symbols that are read
    walks     of this block, then of joined ones: where `close_up` and `recompute` begin
    """

    panel: Panel
    columns: Columns
    previous: Columns
    lazy: LazyColumns | None
    walks: Sequence[BatchFeatures]


@dataclass(eq=False)
class WarmUpBlock:
    """The feature states of a month, for the symbols of its table.

    sessions   dates of the month's sessions in the archive
    starts     node name -> first date that it walks
    daily      daily bars of the month and of the longest daily warm-up before it
    ticks_of   session -> its ticks, and their slots
    benchmark  id of the benchmark symbol, -1 where there is none
    previous_columns  daily columns whose value of the session before is read
    close_up_nodes    names of the nodes that `close_up` samples again, at other ticks
    watched    whether `recompute` may be called for a batch; None for never
    dividends  of the archive, where DIVIDEND or CLOSE_EX is among the previous columns
    buffers    memory that is given back when the block is closed
    history    earlier sessions, for symbols that trade seldom; None where bars are daily
    """

    table: SymbolTable
    sessions: Sequence[dt.date]
    starts: dict[str, dt.date]
    nodes: list[FeatureNode]
    daily: DailyBars
    splits: Splits
    ticks_of: TicksOf
    buffers: Buffers
    benchmark: int = -1
    previous_columns: Sequence[str] = ()
    close_up_nodes: frozenset[str] = frozenset()
    watched: Callable[[Panel], bool] | None = None
    dividends: Dividends | None = None
    history: SessionHistory | None = None
    _kept: list[Panel] = field(
        default_factory=list
    )  # of symbols that will split, to start anew from
    _joined: list[WarmUpBlock] = field(default_factory=list)
    _scaled_to: dt.date = dt.date.min

    def __post_init__(self) -> None:
        daily, starts, first = self.daily, self.starts, self.sessions[0]

        def begins(node: FeatureNode) -> Ints:
            return daily.begins(starts[node.name], first, node.warmup_rows)

        self._begins, self._features = begins, FeatureState(self.nodes, len(self.table), begins)
        self._will_split = self.splits.ids(self.table, self.first_fed, self.sessions[-1])
        if self.benchmark in self._will_split:
            self._will_split = np.arange(len(self.table))  # every symbol is measured against it

    @property
    def first_fed(self) -> dt.date:
        """The first session that one of its intraday nodes walks."""
        return min(
            [self.starts[node.name] for node in self.nodes if node.rows != DAILY]
            + [self.sessions[0]]
        )

    def due(self, date: dt.date) -> list[FeatureNode]:
        """The nodes that walk the session of `date`."""
        in_month = date >= self.sessions[0]
        return [
            node
            for node in self.nodes
            if self.starts[node.name] <= date and (in_month or node.rows != DAILY)
        ]

    def advance(self, panel: Panel, sample: bool) -> BlockSample | None:
        """Walk the next batch; with `sample`, return the columns at its ticks."""
        panel, date = self.panel_of(panel), panel.sessions[0].date
        self._apply_splits(date)
        if date == self.sessions[0]:
            self._walk_daily_history(date, None)
            self._fill_windows(date, None)
        rows = self._rows(panel)
        walked = self._features.run(
            rows, self.due(date), sample=sample, keep=self._kept_states(panel) if sample else ()
        )
        previous = self._previous(panel) if sample else {}
        self._sample_after_splits(rows, walked, previous, sample)
        if isinstance(panel, DailyPanel):
            self._kept = [
                panel
            ]  # what is not walked day by day from the history looks back one session
        elif len(self._will_split):
            self._kept.append(panel.only(self._will_split))
        joined = [other.advance(panel, sample) for other in self._joined]
        if not sample:
            return None
        samples = [one for one in joined if one]
        columns = walked.columns
        for one in samples:
            columns |= one.columns
        return BlockSample(
            panel,
            columns,
            previous,
            walked.lazy,
            [walked, *(walk for one in samples for walk in one.walks)],
        )

    def close_up(
        self, sample: BlockSample, table: SymbolTable, ticks: Ints
    ) -> tuple[Panel, Columns]:
        """The session of a sample once more, for the symbols of a small table and at other ticks.

        Returns its bars, and name -> float64[ticks, symbols]; nodes over ticks are not among them.
        """
        panel, ids = sample.panel.realign(table), self.table.ids(table.series)
        benchmark = table.id(self.table.names[self.benchmark]) if self.benchmark >= 0 else None
        rows = SessionRows(
            panel,
            self.daily.realign(table),
            ticks,
            np.zeros(len(ticks)),
            -1 if benchmark is None else benchmark,
        )
        columns = Columns()
        for block, walked in zip((self, *self._joined), sample.walks, strict=True):
            nodes = block._close_up_of(panel.sessions[0].date)
            columns |= block._features.pick(nodes, walked.before, ids).run_all(rows, nodes)
        return panel, columns

    def recompute(
        self,
        sample: BlockSample,
        panel_of: Callable[[SessionPanel], SessionPanel],
        daily_of: Callable[[DailyBars], DailyBars],
    ) -> Columns:
        """The columns of a watched session over other bars: name -> float64[ticks, symbols]."""
        assert isinstance(sample.panel, SessionPanel)
        panel, columns = panel_of(sample.panel), Columns()
        ticks, slots = self.ticks_of(panel.session)
        rows = SessionRows(panel, daily_of(self.daily), ticks, slots, self.benchmark)
        for block, walked in zip((self, *self._joined), sample.walks, strict=True):
            nodes = block.due(panel.session.date)
            columns |= block._features.pick(nodes, walked.before, slice(None)).run_all(rows, nodes)
        return columns

    def panel_of(self, panel: Panel) -> Panel:
        """A batch's bars for the symbols of this block."""
        return (
            panel.of_block(self.daily)
            if isinstance(panel, DailyPanel)
            else panel.realign(self.table)
        )

    def join(self, other: WarmUpBlock) -> None:
        """Walk another block along with this one: same month and table, nodes requested later."""
        self._joined.append(other)

    def close(self) -> None:
        """Give back the memory of daily bars and buffers."""
        for block in (self, *self._joined):
            block.daily.columns.clear()
            block.buffers.close()

    def _kept_states(self, panel: Panel) -> list[str]:
        """Names of the nodes whose states before the batch `close_up` or `recompute` need."""
        date = panel.sessions[0].date
        watched = self.watched is not None and self.watched(panel)
        nodes = self.due(date) if watched else self._close_up_of(date)
        return [node.name for node in nodes if not node.lazy]

    def _close_up_of(self, date: dt.date) -> list[FeatureNode]:
        return [
            node
            for node in self.due(date)
            if node.name in self.close_up_nodes and node.rows != TICKS
        ]

    def _rows(self, panel: Panel) -> SessionRows:
        ticks, slots = zip(*map(self.ticks_of, panel.sessions), strict=True)
        return SessionRows(
            panel, self.daily, np.concatenate(ticks), np.concatenate(slots), self.benchmark
        )

    def _apply_splits(self, date: dt.date) -> None:
        changed: set[int] = set()
        for ex_date, symbol, ratio in self.splits.between(self.table, self._scaled_to, date):
            self.daily.rescale(symbol, ratio, ex_date)
            for panel in self._kept:
                panel.rescale(symbol, ratio)
            changed.add(symbol)
        self._scaled_to = date
        if changed and self._kept:
            self._start_anew(date, self._affected(changed))

    def _affected(self, changed: set[int]) -> Ints:
        """Ids of the symbols whose states a split changes: all, where the benchmark splits."""
        return (
            np.arange(len(self.table))
            if self.benchmark in changed
            else np.array(sorted(changed), np.int64)
        )

    def _sample_after_splits(
        self, rows: SessionRows, walked: BatchFeatures, previous: Columns, sample: bool
    ) -> None:
        """For splits inside a batch: replace values from the split on by those in the new scale."""
        panel = rows.panel
        dates, first_date = [session.date for session in panel.sessions], panel.sessions[0].date
        lazy = walked.lazy if sample else None
        nodes = [node for node in self.due(first_date) if not node.lazy]
        for ex_date, splits in groupby(
            self.splits.between(self.table, first_date, dates[-1]), key=lambda split: split[0]
        ):
            ratios = [(symbol, ratio) for _, symbol, ratio in splits]
            number, ids = (
                bisect_left(dates, ex_date),
                self._affected({symbol for symbol, _ in ratios}),
            )
            if lazy:
                lazy.fill(lazy, ids)
            for symbol, ratio in ratios:
                self.daily.rescale(symbol, ratio, ex_date)
            first = int(np.searchsorted(rows.session_of_tick, number))
            if lazy:
                lazy.renew(ids, first)
            self._start_anew(first_date, ids)
            if first_date == self.sessions[0]:
                self._walk_daily_history(first_date, ids)
            with panel.buffers.scope() as scratch:
                again = self._features.run(rows.over(scratch), nodes, sample=sample, ids=ids)
                if sample:
                    for name, values in again.columns.items():
                        walked.columns[name][first:, ids] = values[first:, ids]
                    for name, after in self._previous(panel, ids).items():
                        previous[name][number:, ids] = after[number:]
        self._scaled_to = dates[-1]

    def _previous(self, panel: Panel, ids: Ints | None = None) -> Columns:
        """Name -> float64[sessions, symbols]: the last value before each session, in its scale."""
        if not self.previous_columns:
            return {}
        rows = self.daily.before(panel.sessions, ids).T
        stored = [name for name in self.previous_columns if name not in OF_ACTIONS]
        found = {
            name: np.where(rows >= 0, self.daily.columns[name][rows], np.nan) for name in stored
        }
        if self.dividends is not None:
            table = (
                self.table
                if ids is None
                else SymbolTable([self.table.names[symbol] for symbol in ids])
            )
            before = np.where(rows >= 0, self.daily.dates[rows], np.iinfo(np.int64).max)
            paid = self.dividends.since(table, panel.sessions, before)
            close = np.where(rows >= 0, self.daily.columns["close"][rows], np.nan) - paid
            found |= {DIVIDEND: paid, CLOSE_EX: np.where(close > 0.0, close, np.nan)}
        return found

    def _start_anew(self, date: dt.date, ids: Ints) -> None:
        for node in self.nodes:
            self._features.reset(node, ids)
        for panel in self._kept:
            walked = [node for node in self.due(panel.sessions[0].date) if node.rows != DAILY]
            with self.buffers.scope() as scratch:
                self._features.run(self._rows(panel.over(scratch)), walked, sample=False, ids=ids)
        if date > self.sessions[0]:
            self._walk_daily_history(date, ids)
            self._fill_windows(date, ids)

    def _walk_daily_history(self, date: dt.date, ids: Ints | None) -> None:
        nodes = [node for node in self.nodes if node.rows == DAILY and not node.lazy]
        bars: dict[tuple[dt.date, int], Bars] = {}
        for node in nodes:
            alike = self.starts[node.name], node.warmup_rows
            if alike not in bars:
                bars[alike] = self.daily.history(self._begins(node), date)
        walked = [(node, bars[self.starts[node.name], node.warmup_rows]) for node in nodes]
        self._features.walk(walked, self.benchmark, ids)

    def _fill_windows(self, date: dt.date, ids: Ints | None) -> None:
        """Give windows of symbols that trade seldom the rows that they had before the warm-up."""
        if self.history is not None:
            seldom = SeldomTraded(
                history=self.history,
                splits=self.splits,
                table=self.table,
                daily=self.daily,
                benchmark=self.benchmark,
                first=self.sessions[0],
            )
            seldom.fill(self._features, self.nodes, date, ids)
