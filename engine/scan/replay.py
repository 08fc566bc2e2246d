"""Archive to cross-sections: sessions in order of time, each decoded once, months in their blocks.

1. `_months`   the run's sessions by calendar month, and what each month's terms need before it
2. `prefetch`  decodes the next session while this one is scanned
3. `_open`     a month's block is opened when its warm-up begins, and closed after its last session
4. `advance`   every open block walks the session; the one whose month it is also samples it

Where bars are daily and scanners only declare, blocks are years, each by itself: `_computed_ahead` opens one and
computes its first stretch of sessions while the year before is scanned.
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
from engine.indicators.block import OF_ACTIONS, MonthBlock, Panel, block_of
from engine.indicators.term import BENCHMARK, DAILY, REGULAR, TICKS, VISIBLE, Term
from engine.panel.bars import Floats, Ints
from engine.panel.daily import DailyBars, DailyHistory, DailyPanel
from engine.panel.dividends import Dividends
from engine.panel.loader import prefetch
from engine.panel.session_panel import SessionPanel
from engine.panel.splits import Splits
from engine.panel.symbol_table import SymbolTable
from engine.scan.columns import SESSION_VOLUME
from engine.scan.cross_section import CrossSection
from engine.scan.ticks import Ticks
from engine.schema import BAR_VALUES

CELLS = 1 << 20  # ticks times symbols that a stretch of daily sessions may have


@dataclass(frozen=True)
class ReplaySpec:
    """What to replay.

    dates        the run's sessions, all in the archive, increasing
    ticks        when the run looks
    table_of     the symbols needed in a stretch of sessions (first date, last date)
    all_columns  decode every bar column, for readers of whole bars
    previous     daily columns whose previous value is read
    benchmark    the symbol that others are measured against
    at_once      nothing will be asked for on the way, so that sessions of daily bars may be computed together
    watched      which sessions may be replayed again, with other bars; None for none
    close_up     terms that close-ups show, among `terms`, and the ticks they show them at; None where nobody takes any
    """

    archive: Archive
    calendar: ExchangeCalendar
    base: Interval
    extended: bool
    dates: Sequence[dt.date]
    terms: Sequence[Term]
    ticks: Ticks
    table_of: Callable[[dt.date, dt.date], SymbolTable]
    all_columns: bool
    previous: Sequence[str]
    benchmark: str | None = None
    close_up: tuple[Sequence[Term], Ticks] | None = None
    at_once: bool = False
    watched: Callable[[Panel], bool] | None = None


@dataclass(frozen=True)
class ReplayedSession:
    """One session of the run, and its cross-sections at all ticks; valid until the next session is asked for."""

    panel: Panel
    cross: CrossSection


@dataclass(frozen=True)
class ReplayedStretch:
    """Sessions that were computed together: their bars, and their cross-sections in one; valid until the next are asked for.

    of  the bars as they were read, and the block they were computed with
    """

    panel: Panel
    cross: CrossSection
    of: tuple[Panel, MonthBlock]


class MarketReplay:
    """Replays the sessions of a spec; see the module's text for the steps."""

    def __init__(self, spec: ReplaySpec):
        self._spec = spec
        self._dates = spec.archive.sessions(spec.base.name)
        self._daily_dates = spec.archive.sessions("1d")
        actions = spec.archive.corporate_actions()
        self._splits, self._dividends = Splits(actions), Dividends(actions)
        self._everyone = spec.table_of(spec.dates[0], spec.dates[-1])
        self._history: DailyHistory | None = None
        self._terms = list(spec.terms)
        self._open_blocks: list[MonthBlock] = []
        self._close_up_terms = {term.name: term for term in spec.close_up[0]} if spec.close_up else {}
        self._now: tuple[Panel, CrossSection] | None = None
        self._at_hand: MonthBlock | None = None
        self._asked: tuple[SymbolTable | None, dict[str, Ints]] = (
            None,
            {},
        )  # of which symbols what waited was, in daily bars' last stretch
        self.walked = 0  # sessions that a run walks, those of its warm-up among them

    def sessions(self) -> Iterator[ReplayedSession]:
        """The run's sessions in order."""
        for stretch in self.stretches():
            yield from self.each(stretch)
            del stretch

    def each(self, stretch: ReplayedStretch) -> Iterator[ReplayedSession]:
        """The sessions of the stretch at hand."""
        cross, (panel, block), bounds = stretch.cross, stretch.of, stretch.cross.bounds.tolist()
        for number, session in enumerate(cross.sessions):
            one = cross.of_session(session, bounds[number], bounds[number + 1], self._lag(session))
            self._now, self._at_hand = (panel, one), block
            yield ReplayedSession(stretch.panel.of_session(number), one)
        self._now = None

    def stretches(self) -> Generator[ReplayedStretch, None, None]:
        """The run's sessions in order, those together that are computed together; one is over when the next is asked for."""
        months = self._months()
        needed = sorted({date for month in months for date in self._walked(month)})
        self.walked = len(needed)
        if self._spec.base.is_daily and self._spec.at_once:
            blocks = ((month, self._table(month)) for month in months)  # universes may be the user's, and stay on this thread
            with closing(prefetch(blocks, lambda block: self._computed_ahead(*block), ahead=1)) as computed:
                for of_block in computed:
                    yield from of_block
            return
        run = set(self._spec.dates)
        with closing(prefetch([(date,) for date in needed], self._read)) as panels:
            for panel in panels:
                date = panel.sessions[0].date
                while months and self._first_fed(months[0]) <= date:
                    month = months.pop(0)
                    self._open_blocks.append(self._open(month, self._table(month), date))
                for block in list(self._open_blocks):
                    yield from self._sampled(block, panel, date in run)
                    if panel.sessions[-1].date >= block.sessions[-1]:
                        self._open_blocks.remove(block)
                del panel  # or it is held until the next but one is there

    def end(self) -> None:
        """Let go of all that was at hand, where the run does not come to its last session."""
        self._open_blocks.clear()
        self._now = self._at_hand = self._history = None
        self._asked = None, {}

    def _computed_ahead(self, month: Sequence[dt.date], table: SymbolTable) -> Iterator[ReplayedStretch]:
        """The stretches of a block of daily bars, of which the first is computed: while it is scanned, the next block's is.

        What waits is computed for the symbols for which it was asked in the last stretch that is over: they are much the same.
        """
        stretches = self._by_stretch(month, table)
        ahead = list(islice(stretches, 1))
        for stretch in ahead:
            (of_table, asked), (_, block) = self._asked, stretch.of
            if block.deferred and block.table is of_table:
                block.deferred.fill_each(asked)
        return chain(ahead, stretches)

    def _by_stretch(self, month: Sequence[dt.date], table: SymbolTable) -> Iterator[ReplayedStretch]:
        """The stretches of a block of daily bars; one is over when the next is asked for."""
        walked = self._walked(month)
        block = self._open(month, table, walked[0])
        for dates in self._stretches(walked, month[0]):
            yield from self._sampled(block, self._read(dates), dates[0] >= self._spec.dates[0])
            if block.deferred:
                self._asked = block.table, block.deferred.asked

    def _sampled(self, block: MonthBlock, panel: Panel, in_run: bool) -> Iterator[ReplayedStretch]:
        """What a block's walk through a panel gives: a stretch where that is sampled, over when the next is asked for."""
        stretch = self._advance(block, panel, in_run)
        if stretch is not None:
            yield stretch
            if block.deferred:
                block.deferred.close()

    def provision(self, terms: Sequence[Term]) -> None:
        """Take in terms that were asked for during a session: they are warm, and in its cross-sections, at once."""
        assert self._now is not None
        panel, cross = self._now
        self._terms = list({term.name: term for term in [*self._terms, *terms]}.values())
        self._history = None  # read again, with the columns that are needed now
        if self._spec.close_up:
            self._close_up_terms |= {term.name: term for term in terms}
        for block in self._open_blocks:
            other = self._fresh_block(block.sessions, block.table, list(terms))
            self._catch_up(other, panel.sessions[0].date)
            columns = other.advance(panel, block is self._at_hand)
            if block is self._at_hand:
                cross.add(columns)
            block.join(other)

    def close_up(self, symbols: Sequence[str]) -> ReplayedSession:
        """The session at hand for a few of its symbols, at the ticks of the spec's close-ups."""
        assert self._now is not None and self._at_hand is not None and self._spec.close_up is not None
        (panel, cross), block = self._now, self._at_hand
        table = SymbolTable([*symbols, *([self._spec.benchmark] if self._spec.benchmark else [])])
        ids, ticks = cross.table.ids(table.series), self._spec.close_up[1].ticks(panel.sessions[0])
        own = block.panel_of(panel).realign(table)
        columns = block.close_up(own, table, ticks)
        at = np.searchsorted(cross.ticks, ticks)
        for term in self._close_up_terms.values():
            if term.rows == TICKS:  # sampled for everybody: these ticks are among the run's
                columns |= {name: cross.values(name)[np.ix_(at, ids)] for name in term.outputs}
        return ReplayedSession(own, cross.of(table, ticks, columns))

    def again(self, panel_of: Callable[[SessionPanel], SessionPanel], daily_of: Callable[[DailyBars], DailyBars]) -> CrossSection:
        """The watched session's cross-sections, were its bars others; the session is at hand."""
        assert self._now is not None and self._at_hand is not None
        (panel, cross), block = self._now, self._at_hand
        own = block.panel_of(panel)
        assert isinstance(own, SessionPanel)
        return cross.of(cross.table, cross.ticks, block.again(panel_of(own), daily_of(block.daily)))

    def _walked(self, month: Sequence[dt.date]) -> Sequence[dt.date]:
        """The sessions that a month's intraday terms walk: those of its warm-up, and its own."""
        return self._dates[bisect_left(self._dates, self._first_fed(month)) : bisect_right(self._dates, month[-1])]

    def _catch_up(self, block: MonthBlock, before: dt.date) -> None:
        for date in self._between(block.first_fed, before):
            block.advance(self._read((date,)), False)

    def _advance(self, block: MonthBlock, panel: Panel, in_run: bool) -> ReplayedStretch | None:
        sample = in_run and panel.sessions[0].date >= block.sessions[0]
        own = block.panel_of(panel)
        columns = block.advance(own, sample)
        if not sample:
            return None
        sessions = panel.sessions
        ticks, lags = [self._spec.ticks.ticks(session) for session in sessions], [self._lag(session) for session in sessions]
        cross = CrossSection.of_stretch(sessions, block.table, ticks, columns, lags, block.previous, block.deferred)
        return ReplayedStretch(own, cross, (panel, block))

    def _lag(self, session: Session) -> int:
        """Microseconds from a bar's start until it is known."""
        return session.close - session.open if self._spec.base.is_daily else self._spec.base.micros

    def _stretches(self, dates: Sequence[dt.date], first: dt.date) -> list[tuple[dt.date, ...]]:
        """The sessions of daily bars that are computed together, as many as can be; `first` is the first of the block."""
        begins = {self._spec.dates[0], first}
        most, found = max(1, CELLS // max(1, len(self._everyone))), list[list[dt.date]]()
        for date in dates:
            if not found or date in begins or len(found[-1]) >= most:
                found.append([])
            found[-1].append(date)
        return [tuple(stretch) for stretch in found]

    def _read(self, dates: tuple[dt.date, ...]) -> Panel:
        spec = self._spec
        if spec.base.is_daily:
            return DailyPanel(tuple(map(spec.calendar.session, dates)), self._everyone)
        return SessionPanel.read(
            spec.archive, spec.calendar.session(dates[0]), self._everyone, spec.base, self._columns(), spec.extended
        )

    def _columns(self) -> list[str]:
        """The bar columns to decode."""
        read = set(BAR_VALUES) if self._spec.all_columns else set()
        for term in self._terms:
            if term.rows in (VISIBLE, REGULAR):
                read |= set(_columns_read(term)) & {*BAR_VALUES, "vwap", "trade_count"}
            elif term.rows not in (DAILY, TICKS):
                read |= set(BAR_VALUES)  # a wider bar is made from all of a bar
        return sorted(read)

    def _months(self) -> list[list[dt.date]]:
        """The archive's sessions of each block of the run, from the block's first to the run's last in it."""
        by_day = self._spec.base.is_daily
        last = {block_of(date, by_day): date for date in self._spec.dates}
        sessions: dict[tuple[int, int], list[dt.date]] = {block: [] for block in sorted(last)}
        for date in self._dates:
            if date <= last.get(block_of(date, by_day), dt.date.min):
                sessions[block_of(date, by_day)].append(date)
        return list(sessions.values())

    def _starts(self, month: Sequence[dt.date], terms: Sequence[Term]) -> dict[str, dt.date]:
        """Term name -> the first session it walks for a month."""
        starts = {term.name: self._start(month[0], term) for term in terms}
        by_tick = [starts[term.name] for term in terms if term.rows == TICKS]
        if by_tick:  # they read the volume so far at each tick
            starts[SESSION_VOLUME.name] = min(by_tick)
        return starts

    def _start(self, first: dt.date, term: Term) -> dt.date:
        if not term.warmup_sessions:
            return first
        dates = self._daily_dates if term.rows == DAILY else self._dates
        before = bisect_left(dates, first)
        return dates[max(0, before - term.warmup_sessions)] if before else first

    def _between(self, start: dt.date, end: dt.date) -> Sequence[dt.date]:
        return self._dates[bisect_left(self._dates, start) : bisect_left(self._dates, end)]

    def _first_fed(self, month: Sequence[dt.date]) -> dt.date:
        intraday = [term for term in self._terms if term.rows != DAILY]
        return min([month[0], *self._starts(month, intraday).values()])

    def _table(self, month: Sequence[dt.date]) -> SymbolTable:
        # not of the block's sessions before the run: who left in these is not in what is read
        table = self._spec.table_of(max(month[0], self._spec.dates[0]), month[-1])
        return self._everyone if table.names == self._everyone.names else table

    def _open(self, month: Sequence[dt.date], table: SymbolTable, date: dt.date) -> MonthBlock:
        block = self._fresh_block(month, table, list(self._terms))
        self._catch_up(block, date)  # nothing to do unless a term was asked for during the run
        return block

    def _fresh_block(self, month: Sequence[dt.date], table: SymbolTable, terms: list[Term]) -> MonthBlock:
        starts = self._starts(month, terms)
        by_day = self._spec.base.is_daily
        first = min([starts[term.name] for term in terms if by_day or term.rows == DAILY] + [month[0]])
        daily = self._daily().block(table, first, month[0], month[-1])
        benchmark = table.id(self._spec.benchmark) if self._spec.benchmark else None
        return MonthBlock(
            table, month, starts, terms, daily, self._splits, self._ticks_and_slots, -1 if benchmark is None else benchmark,
            frozenset(self._close_up_terms), self._spec.previous, self._spec.watched,
            self._dividends if OF_ACTIONS & set(self._spec.previous) else None,
        )  # fmt: skip

    def _daily(self) -> DailyHistory:
        if self._history is None:
            by_day = self._spec.base.is_daily
            read = {name for t in self._terms if by_day or t.rows == DAILY for name in _columns_read(t)} & set(BAR_VALUES)
            read |= set(BAR_VALUES) if by_day and self._spec.all_columns else set()
            previous = set(self._spec.previous)
            columns = sorted(read | previous - OF_ACTIONS | ({"close"} if previous & OF_ACTIONS else set()))
            of_days = [term for term in self._terms if term.rows == DAILY]
            rows = max((term.warmup_rows for term in of_days), default=1)
            benchmark = self._spec.benchmark if any(BENCHMARK in term.inputs for term in of_days) else None
            self._history = DailyHistory(
                self._spec.archive, columns, self._everyone, self._spec.dates[-1], rows, benchmark
            )  # fmt: skip
        return self._history

    def _ticks_and_slots(self, session: Session) -> tuple[Ints, Floats]:
        return self._spec.ticks.ticks(session), self._spec.ticks.slots(session)


def _columns_read(term: Term) -> list[str]:
    return ["close" if name == BENCHMARK else name for name in term.inputs]
