"""Replays an archive as session batches with their cross-sections; each session is decoded once.

Intraday bars: a batch is one session (`_minute_batches`).

    1. `BlockCalendar` lists the sessions of each month's block, and those of its warm-up.
    2. `prefetch` decodes the next sessions on another thread while this one is scanned.
    3. `_open` opens a block when its warm-up begins; `_close` closes it after its last session.
    4. `_sampled` lets every open block walk the session; the month's own block also samples it.

Daily bars (`_daily_batches`): a block is a year, and a batch as many of its sessions as fit. With
`spec.at_once` the first batch of the next year is computed while this year is scanned.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice

import numpy as np

from engine.clock.calendar import Session
from engine.features.feature_node import BENCHMARK, DAILY, REGULAR, TICKS, VISIBLE, FeatureNode
from engine.features.session_rows import Panel
from engine.features.warm_up_block import OF_ACTIONS, WarmUpBlock
from engine.panel.bars import Floats, Ints
from engine.panel.daily_history import DailyHistory
from engine.panel.daily_panel import DailyBars, DailyPanel
from engine.panel.dividends import Dividends
from engine.panel.loader import prefetch
from engine.panel.session_history import SessionHistory
from engine.panel.session_panel import SessionPanel
from engine.panel.splits import Splits
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import POOL, Buffers
from engine.scan.block_calendar import BlockCalendar
from engine.scan.cross_section import CrossSection
from engine.scan.session_batch import ReplaySpec, SessionBatch
from engine.scan.tick_before import Before, LookBack
from engine.schema import BAR_VALUES

CELLS = 1 << 20  # ticks times symbols that a batch of daily sessions may have


class MarketReplay:
    """Replays the sessions of a ReplaySpec; the module's docstring has the steps.

    walked  number of sessions that the run walks, warm-ups included
    """

    def __init__(self, spec: ReplaySpec):
        self._spec = spec
        self._dates = spec.archive.sessions(spec.base.name)
        self._calendar = BlockCalendar(
            self._dates,
            spec.archive.sessions("1d"),
            spec.dates,
            by_day=spec.base.is_daily,
            looks_back=bool(spec.before),
        )
        actions = spec.archive.corporate_actions()
        self._splits, self._dividends = Splits(actions), Dividends(actions)
        self._everyone = spec.table_of(spec.dates[0], spec.dates[-1])
        self._nodes = {node.name: node for node in spec.nodes}
        self._close_up_nodes = (
            {node.name: node for node in spec.close_up[0]} if spec.close_up else {}
        )
        self._history: DailyHistory | None = None
        self._sessions_before: SessionHistory | None = None
        self._open_blocks: list[WarmUpBlock] = []
        # Of the last daily batch: its symbols, and the ids for which lazy columns were read.
        self._asked: tuple[SymbolTable | None, dict[str, Ints]] = None, {}
        # Open block -> columns of its last session that the next one reads (`previous`).
        self._before: dict[WarmUpBlock, Before] = {}
        # Number of sessions that the run walks, warm-ups included.
        self.walked = len(
            {
                date
                for block in self._calendar.blocks()
                for date in self._calendar.walked(block, self._nodes.values())
            }
        )

    def batches(self) -> Generator[SessionBatch, None, None]:
        """The session batches of the run, in order.

        A batch is valid until the next one is asked for. A caller that ends early closes the
        generator.
        """
        try:
            yield from self._daily_batches() if self._spec.base.is_daily else self._minute_batches()
        finally:
            self._open_blocks.clear()
            self._before.clear()
            self._history = self._sessions_before = None

    def provision(self, batch: SessionBatch, nodes: Sequence[FeatureNode]) -> None:
        """Add nodes that were asked for during a batch's session.

        Their warm-up is walked at once, and their columns are added to the batch's cross-section.
        """
        self._nodes |= {node.name: node for node in nodes}
        # Both are read again, with the bar columns that the new nodes need.
        self._history = self._sessions_before = None
        if self._spec.close_up:
            self._close_up_nodes |= {node.name: node for node in nodes}
        for block in self._open_blocks:
            other = self._fresh_block(block.sessions, block.table, list(nodes))
            self._catch_up(other, batch.sessions[0].date)
            sample = other.advance(batch.panel, block is batch.block)
            if sample:
                batch.cross.add(sample.columns)
            block.join(other)

    def close_up(self, batch: SessionBatch, symbols: Sequence[str]) -> SessionBatch:
        """The one session of a batch for a few symbols, at the ticks of `spec.close_up`."""
        assert self._spec.close_up is not None
        cross = batch.cross
        table = SymbolTable([*symbols, *([self._spec.benchmark] if self._spec.benchmark else [])])
        ids, ticks = cross.table.ids(table.series), self._spec.close_up[1].ticks(cross.session)
        panel, columns = batch.block.close_up(batch.sample, table, ticks)
        at = np.searchsorted(cross.ticks, ticks)
        for node in self._close_up_nodes.values():
            if node.rows == TICKS:  # sampled at all ticks of the run, of which these are some
                columns |= {name: cross.values(name)[np.ix_(at, ids)] for name in node.outputs}
        return SessionBatch(
            panel, cross.of_symbols(table, ticks, columns), batch.block, batch.sample
        )

    def recompute(
        self,
        batch: SessionBatch,
        panel_of: Callable[[SessionPanel], SessionPanel],
        daily_of: Callable[[DailyBars], DailyBars],
    ) -> CrossSection:
        """The cross-section of a watched session, computed from changed bars (for the audit)."""
        columns = batch.block.recompute(batch.sample, panel_of, daily_of)
        return batch.cross.of_symbols(batch.cross.table, batch.cross.ticks, columns)

    # -- intraday bars

    def _minute_batches(self) -> Iterator[SessionBatch]:
        blocks = self._calendar.blocks()
        needed = sorted(
            {
                date
                for block in blocks
                for date in self._calendar.walked(block, self._nodes.values())
            }
        )
        with closing(prefetch([(date,) for date in needed], self._read)) as panels:
            for panel in panels:
                date = panel.sessions[0].date
                while (
                    blocks and self._calendar.first_walked(blocks[0], self._nodes.values()) <= date
                ):
                    dates = blocks.pop(0)
                    self._open_blocks.append(self._open(dates, self._table(dates), date))
                with closing(panel):
                    for block in list(self._open_blocks):
                        yield from self._sampled(block, panel)
                        if date >= block.sessions[-1]:
                            self._close(block)
                    assert isinstance(panel, SessionPanel)
                    self._intraday_history().walked(panel)

    # -- daily bars

    def _daily_batches(self) -> Iterator[SessionBatch]:
        # Universes may be a user's code, which runs on this thread alone.
        blocks = ((dates, self._table(dates)) for dates in self._calendar.blocks())
        if not self._spec.at_once:
            for block in blocks:
                yield from self._year(*block)
            return
        with closing(prefetch(blocks, lambda block: self._begun_year(*block), ahead=1)) as years:
            for batches in years:
                with closing(batches):
                    yield from batches

    def _begun_year(
        self, dates: Sequence[dt.date], table: SymbolTable
    ) -> Generator[SessionBatch, None, None]:
        """The batches of a year, the first of which is computed by now, on the prefetch thread.

        Lazy columns are computed for the symbols for which the last complete batch read them, for
        the next batch will mostly read the same.
        """
        batches = self._year(dates, table)
        first = list(islice(batches, 1))
        for batch in first:
            of_table, asked = self._asked
            if batch.sample.lazy and batch.block.table is of_table:
                batch.sample.lazy.fill_each(asked)
        return _begun(first, batches)

    def _year(
        self, dates: Sequence[dt.date], table: SymbolTable
    ) -> Generator[SessionBatch, None, None]:
        """The batches of a year."""
        walked = self._calendar.walked(dates, self._nodes.values())
        block = self._open(dates, table, walked[0])
        self._open_blocks.append(block)
        try:
            for batch_dates in self._batch_dates(walked, dates):
                with closing(self._read(batch_dates)) as panel:
                    yield from self._sampled(block, panel)
        finally:
            self._close(block)

    def _close(self, block: WarmUpBlock) -> None:
        """Close a block after its last session."""
        if block in self._open_blocks:
            self._open_blocks.remove(block)
        self._before.pop(block, None)
        block.close()

    def _batch_dates(
        self, dates: Sequence[dt.date], block: Sequence[dt.date]
    ) -> list[tuple[dt.date, ...]]:
        """Split daily sessions into batches of at most CELLS values [sessions, symbols]."""
        begins = {*self._calendar.first_shown(block), block[0]}
        most = max(1, CELLS // max(1, len(self._everyone))) if self._spec.at_once else 1
        found = list[list[dt.date]]()
        for date in dates:
            if not found or date in begins or len(found[-1]) >= most:
                found.append([])
            found[-1].append(date)
        return [tuple(batch) for batch in found]

    # -- a block and a panel

    def _sampled(self, block: WarmUpBlock, panel: Panel) -> Iterator[SessionBatch]:
        """Let a block walk a panel; yield the batch where its sessions are the run's."""
        date, (first, eve) = panel.sessions[0].date, self._calendar.first_shown(block.sessions)
        sample = block.advance(panel, date >= first or date == eve)
        if sample is None:
            return
        sessions = panel.sessions
        cross = CrossSection(
            sessions,
            block.table,
            [self._spec.ticks.ticks(session) for session in sessions],
            sample.columns,
            lags=[self._lag(session) for session in sessions],
            previous=sample.previous,
            lazy=sample.lazy,
            buffers=panel.buffers,
            look_back=self._look_back(block, sessions) if self._spec.before else None,
        )
        if date >= first:
            yield SessionBatch(sample.panel, cross, block, sample)
        if self._spec.before:
            self._before[block] = cross.last_session(self._spec.before)
        if sample.lazy:
            self._asked = block.table, sample.lazy.asked

    def _look_back(self, block: WarmUpBlock, sessions: Sequence[Session]) -> LookBack:
        """The session before a batch for `previous`.

        Symbols that split since have no values in it.
        """
        before, dates = self._before.get(block), [session.date for session in sessions]
        splits = self._splits.between(
            block.table, before.session.date if before else dates[0], dates[-1]
        )
        return LookBack(
            before, [(bisect_left(dates, ex_date), symbol) for ex_date, symbol, _ in splits]
        )

    def _lag(self, session: Session) -> int:
        """Microseconds from a bar's start until it is known."""
        return session.close - session.open if self._spec.base.is_daily else self._spec.base.micros

    def _read(self, dates: tuple[dt.date, ...]) -> Panel:
        spec, buffers = self._spec, Buffers(POOL)
        if spec.base.is_daily:
            return DailyPanel(
                tuple(map(spec.calendar.session, dates)), self._everyone, buffers=buffers
            )
        session = spec.calendar.session(dates[0])
        return SessionPanel.read(
            spec.archive,
            session,
            self._everyone,
            spec.base,
            self._columns(),
            spec.extended,
            buffers,
        )

    def _columns(self) -> list[str]:
        """The bar columns to decode."""
        read = set(BAR_VALUES) if self._spec.all_columns else set()
        for node in self._nodes.values():
            if node.rows in (VISIBLE, REGULAR):
                read |= set(_columns_read(node)) & {*BAR_VALUES, "vwap", "trade_count"}
            elif node.rows not in (DAILY, TICKS):
                read |= set(BAR_VALUES)  # a bar of a wider interval is made from all columns
        return sorted(read)

    # -- blocks and their warm-up

    def _table(self, block: Sequence[dt.date]) -> SymbolTable:
        # Members that left before the run are not read.
        table = self._spec.table_of(max(block[0], self._spec.dates[0]), block[-1])
        return self._everyone if table.names == self._everyone.names else table

    def _open(self, dates: Sequence[dt.date], table: SymbolTable, date: dt.date) -> WarmUpBlock:
        block = self._fresh_block(dates, table, list(self._nodes.values()))
        self._catch_up(block, date)  # walks nothing unless a node was added during the run
        return block

    def _catch_up(self, block: WarmUpBlock, before: dt.date) -> None:
        for date in self._dates[
            bisect_left(self._dates, block.first_fed) : bisect_left(self._dates, before)
        ]:
            with closing(self._read((date,))) as panel:
                block.advance(panel, False)

    def _fresh_block(
        self, dates: Sequence[dt.date], table: SymbolTable, nodes: list[FeatureNode]
    ) -> WarmUpBlock:
        starts, by_day, buffers = (
            self._calendar.starts(dates, nodes),
            self._spec.base.is_daily,
            Buffers(POOL),
        )
        first = min(
            [starts[node.name] for node in nodes if by_day or node.rows == DAILY] + [dates[0]]
        )
        daily = self._daily().block(table, first, dates[0], dates[-1], buffers)
        benchmark = table.id(self._spec.benchmark) if self._spec.benchmark else None
        return WarmUpBlock(
            table,
            dates,
            starts,
            nodes,
            daily,
            self._splits,
            self._ticks_and_slots,
            buffers,
            -1 if benchmark is None else benchmark,
            self._spec.previous,
            frozenset(self._close_up_nodes),
            self._spec.watched,
            self._dividends if OF_ACTIONS & set(self._spec.previous) else None,
            None if by_day else self._intraday_history(),
        )

    def _intraday_history(self) -> SessionHistory:
        if self._sessions_before is None:
            spec = self._spec

            def read(date: dt.date) -> SessionPanel:
                panel = self._read((date,))
                assert isinstance(panel, SessionPanel)
                return panel

            def index(date: dt.date) -> tuple[list[str], Ints] | None:
                return spec.archive.read_session_index(date, spec.base.name)

            self._sessions_before = SessionHistory(self._dates, self._everyone, read, index)
        return self._sessions_before

    def _daily(self) -> DailyHistory:
        if self._history is None:
            by_day = self._spec.base.is_daily
            nodes = [node for node in self._nodes.values() if by_day or node.rows == DAILY]
            read = {name for node in nodes for name in _columns_read(node)} & set(BAR_VALUES)
            read |= set(BAR_VALUES) if by_day and self._spec.all_columns else set()
            previous = set(self._spec.previous)
            columns = sorted(
                read | previous - OF_ACTIONS | ({"close"} if previous & OF_ACTIONS else set())
            )
            of_days = [node for node in nodes if node.rows == DAILY]
            rows = max((node.warmup_rows for node in of_days), default=1)
            benchmark = (
                self._spec.benchmark if any(BENCHMARK in node.inputs for node in of_days) else None
            )
            self._history = DailyHistory(
                self._spec.archive, columns, self._everyone, self._spec.dates[-1], rows, benchmark
            )
        return self._history

    def _ticks_and_slots(self, session: Session) -> tuple[Ints, Floats]:
        return self._spec.ticks.ticks(session), self._spec.ticks.slots(session)


def _begun(
    first: Sequence[SessionBatch], more: Generator[SessionBatch, None, None]
) -> Generator[SessionBatch, None, None]:
    with closing(more):
        yield from chain(first, more)


def _columns_read(node: FeatureNode) -> list[str]:
    return ["close" if name == BENCHMARK else name for name in node.inputs]
