"""Archive to batches of sessions with their cross-sections: each session decoded once, blocks from their own warm-up.

Bars of minutes, a batch is one session (`_minute_batches`):

    1. `_blocks`   the run's sessions by calendar month, and what each month's nodes need before it
    2. `prefetch`  decodes the next sessions while this one is scanned
    3. `_open`     a month's block is opened when its warm-up begins, and closed after its last session
    4. `_sampled`  every open block walks the session; the one whose month it is also samples it

Daily bars (`_daily_batches`): blocks are years, one after the other, in batches of `spec.at_once` sessions. Where nobody can ask
for anything on the way, the first batch of the next year is computed while this year is scanned.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from engine.archive.archive import Archive
from engine.clock.calendar import ExchangeCalendar, Session
from engine.clock.interval import Interval
from engine.features.feature_node import BENCHMARK, DAILY, REGULAR, TICKS, VISIBLE, FeatureNode
from engine.features.session_rows import Panel
from engine.features.warm_up_block import OF_ACTIONS, BlockSample, WarmUpBlock, block_of
from engine.panel.bars import Floats, Ints
from engine.panel.daily_panel import DailyBars, DailyHistory, DailyPanel
from engine.panel.dividends import Dividends
from engine.panel.loader import prefetch
from engine.panel.session_history import SessionHistory
from engine.panel.session_panel import SessionPanel
from engine.panel.splits import Splits
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import POOL, Buffers
from engine.scan.columns import SESSION_VOLUME
from engine.scan.cross_section import CrossSection
from engine.scan.tick_before import Before, LookBack
from engine.scan.ticks import Ticks
from engine.schema import BAR_VALUES

CELLS = 1 << 20  # ticks times symbols that a batch of daily sessions may have


@dataclass(frozen=True, kw_only=True)
class ReplaySpec:
    """What to replay.

    dates        the run's sessions, all in the archive, increasing
    ticks        when the run looks
    table_of     the symbols needed from a first date to a last date
    all_columns  decode every bar column, for readers of whole bars
    previous     daily columns whose previous value is read
    benchmark    the symbol that others are measured against
    at_once      nothing is asked for on the way, so that sessions of daily bars may be computed together
    before       columns that are read at the last tick of the session before, where bars are daily
    watched      which sessions may be computed again, with other bars; None for none
    close_up     nodes that close-ups show, among `nodes`, and the ticks they show them at; None where nobody takes any
    """

    archive: Archive
    calendar: ExchangeCalendar
    base: Interval
    extended: bool
    dates: Sequence[dt.date]
    nodes: Sequence[FeatureNode]
    ticks: Ticks
    table_of: Callable[[dt.date, dt.date], SymbolTable]
    all_columns: bool = False
    previous: Sequence[str] = ()
    benchmark: str | None = None
    at_once: bool = False
    before: Sequence[str] = ()
    watched: Callable[[Panel], bool] | None = None
    close_up: tuple[Sequence[FeatureNode], Ticks] | None = None


@dataclass(frozen=True)
class SessionBatch:
    """Sessions that were computed together; valid until the next batch is asked for.

    panel   their bars
    cross   their cross-sections, all ticks of all sessions
    sample  what the block computed, for computing some of it again
    """

    panel: Panel
    cross: CrossSection
    block: WarmUpBlock
    sample: BlockSample

    @property
    def sessions(self) -> Sequence[Session]:
        """In order of time."""
        return self.cross.sessions

    def split(self) -> Iterator[SessionBatch]:
        """The sessions one by one, as views."""
        for number in range(len(self.sessions)):
            yield SessionBatch(
                self.panel.of_session(number),
                self.cross.of_sessions(number, number + 1),
                self.block,
                self.sample,
            )


class MarketReplay:
    """Replays the sessions of a spec; see the module's text for the steps."""

    def __init__(self, spec: ReplaySpec):
        self._spec = spec
        self._dates = spec.archive.sessions(spec.base.name)
        self._daily_dates = spec.archive.sessions("1d")
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
        # of daily bars' last batch: its symbols, and those for which lazy columns were read
        self._asked: tuple[SymbolTable | None, dict[str, Ints]] = None, {}
        self._before: dict[
            WarmUpBlock, Before
        ] = {}  # open block -> its last session, of the columns that the next one reads
        # sessions that a run walks, those of its warm-up among them
        self.walked = len({date for block in self._blocks() for date in self._walked(block)})

    def batches(self) -> Generator[SessionBatch, None, None]:
        """The run's sessions in order; a batch is over when the next is asked for. To be closed by who ends early."""
        try:
            yield from self._daily_batches() if self._spec.base.is_daily else self._minute_batches()
        finally:
            self._open_blocks.clear()
            self._before.clear()
            self._history = self._sessions_before = None

    def provision(self, batch: SessionBatch, nodes: Sequence[FeatureNode]) -> None:
        """Take in nodes that were asked for during a batch's session: they are warm, and in its cross-sections, at once."""
        self._nodes |= {node.name: node for node in nodes}
        # read again, with the columns that are needed now
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
        """The batch's one session for a few of its symbols, at the ticks of the spec's close-ups."""
        assert self._spec.close_up is not None
        cross = batch.cross
        table = SymbolTable([*symbols, *([self._spec.benchmark] if self._spec.benchmark else [])])
        ids, ticks = cross.table.ids(table.series), self._spec.close_up[1].ticks(cross.session)
        panel, columns = batch.block.close_up(batch.sample, table, ticks)
        at = np.searchsorted(cross.ticks, ticks)
        for node in self._close_up_nodes.values():
            if node.rows == TICKS:  # sampled for everybody: these ticks are among the run's
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
        """The cross-sections of a watched session, were its bars others."""
        columns = batch.block.recompute(batch.sample, panel_of, daily_of)
        return batch.cross.of_symbols(batch.cross.table, batch.cross.ticks, columns)

    # -- bars of minutes

    def _minute_batches(self) -> Iterator[SessionBatch]:
        blocks = self._blocks()
        needed = sorted({date for block in blocks for date in self._walked(block)})
        with closing(prefetch([(date,) for date in needed], self._read)) as panels:
            for panel in panels:
                date = panel.sessions[0].date
                while blocks and self._first_fed(blocks[0]) <= date:
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
        blocks = (
            (dates, self._table(dates)) for dates in self._blocks()
        )  # universes may be the user's, and stay on this thread
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
        """The batches of a year, of which the first is computed, on the thread that reads ahead.

        Lazy columns are computed for the symbols for which they were read in the last batch that is over: they are much the same.
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
        walked = self._walked(dates)
        block = self._open(dates, table, walked[0])
        self._open_blocks.append(block)
        try:
            for batch_dates in self._batch_dates(walked, dates):
                with closing(self._read(batch_dates)) as panel:
                    yield from self._sampled(block, panel)
        finally:
            self._close(block)

    def _close(self, block: WarmUpBlock) -> None:
        """A block's last session is over."""
        if block in self._open_blocks:
            self._open_blocks.remove(block)
        self._before.pop(block, None)
        block.close()

    def _batch_dates(
        self, dates: Sequence[dt.date], block: Sequence[dt.date]
    ) -> list[tuple[dt.date, ...]]:
        """Daily sessions in batches as large as they may be; `block` are those of the block."""
        begins = {*self._shown_from(block), block[0]}
        most = max(1, CELLS // max(1, len(self._everyone))) if self._spec.at_once else 1
        found = list[list[dt.date]]()
        for date in dates:
            if not found or date in begins or len(found[-1]) >= most:
                found.append([])
            found[-1].append(date)
        return [tuple(batch) for batch in found]

    # -- a block and a panel

    def _sampled(self, block: WarmUpBlock, panel: Panel) -> Iterator[SessionBatch]:
        """A block walks a panel: the batch, where its sessions are the block's and the run's."""
        date, (first, eve) = panel.sessions[0].date, self._shown_from(block.sessions)
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
        """How a batch's ticks look back into the session before: of symbols that split since, not at all."""
        before, dates = self._before.get(block), [session.date for session in sessions]
        splits = self._splits.between(
            block.table, before.session.date if before else dates[0], dates[-1]
        )
        return LookBack(
            before, [(bisect_left(dates, ex_date), symbol) for ex_date, symbol, _ in splits]
        )

    def _shown_from(self, block: Sequence[dt.date]) -> tuple[dt.date, dt.date | None]:
        """Of a block's sessions the first that is the run's and the block's own, and, if that is read, the session before it."""
        by_day = self._spec.base.is_daily
        own = next(date for date in block if block_of(date, by_day) == block_of(block[-1], by_day))
        first = max(own, self._spec.dates[0])
        place = bisect_left(self._dates, first)
        return first, self._dates[place - 1] if self._spec.before and place else None

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
                read |= set(BAR_VALUES)  # a wider bar is made from all of a bar
        return sorted(read)

    # -- blocks and their warm-up

    def _blocks(self) -> list[list[dt.date]]:
        """The archive's sessions of each block of the run, from the block's first to the run's last in it."""
        by_day = self._spec.base.is_daily
        last = {block_of(date, by_day): date for date in self._spec.dates}
        sessions: dict[tuple[int, int], list[dt.date]] = {block: [] for block in sorted(last)}
        for date in self._dates:
            if date <= last.get(block_of(date, by_day), dt.date.min):
                sessions[block_of(date, by_day)].append(date)
        return [self._from_eve(block) for block in sessions.values()]

    def _from_eve(self, block: list[dt.date]) -> list[dt.date]:
        """A block's sessions, with the one before them where columns of it are read: what they are must not depend on the run."""
        place = bisect_left(self._dates, block[0])
        return [self._dates[place - 1], *block] if self._spec.before and place else block

    def _walked(self, block: Sequence[dt.date]) -> Sequence[dt.date]:
        """The sessions that a block's intraday nodes walk: those of its warm-up, and its own."""
        return self._dates[
            bisect_left(self._dates, self._first_fed(block)) : bisect_right(self._dates, block[-1])
        ]

    def _starts(self, block: Sequence[dt.date], nodes: Sequence[FeatureNode]) -> dict[str, dt.date]:
        """FeatureNode name -> the first session it walks for a block."""
        starts = {node.name: self._start(block[0], node) for node in nodes}
        by_tick = [starts[node.name] for node in nodes if node.rows == TICKS]
        if by_tick:  # they read the volume so far at each tick
            starts[SESSION_VOLUME.name] = min(by_tick)
        return starts

    def _start(self, first: dt.date, node: FeatureNode) -> dt.date:
        if not node.warmup_sessions:
            return first
        dates = self._daily_dates if node.rows == DAILY else self._dates
        before = bisect_left(dates, first)
        return dates[max(0, before - node.warmup_sessions)] if before else first

    def _first_fed(self, block: Sequence[dt.date]) -> dt.date:
        intraday = [node for node in self._nodes.values() if node.rows != DAILY]
        return min([block[0], *self._starts(block, intraday).values()])

    def _table(self, block: Sequence[dt.date]) -> SymbolTable:
        # not of the block's sessions before the run: who left in these is not in what is read
        table = self._spec.table_of(max(block[0], self._spec.dates[0]), block[-1])
        return self._everyone if table.names == self._everyone.names else table

    def _open(self, dates: Sequence[dt.date], table: SymbolTable, date: dt.date) -> WarmUpBlock:
        block = self._fresh_block(dates, table, list(self._nodes.values()))
        self._catch_up(block, date)  # nothing to do unless a node was asked for during the run
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
            self._starts(dates, nodes),
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
