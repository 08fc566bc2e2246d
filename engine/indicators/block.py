"""One calendar month of sessions: its terms' states, seeded from sessions before it and carried through it.

Every month is computed from its own warm-up, so the same month gives bit-for-bit the same values alone, in a
ten-year run, and on any worker. While one month is scanned, the next is already being seeded from the same
decoded bars, so nothing is read twice. Where bars are daily the block is a year.

    1. `due`      which terms walk a batch: those whose warm-up has begun
    2. `advance`  splits of the day: the states of the symbols are made anew from bars in the new scale
    3.            at the block's first session daily terms walk their history, and windows of symbols that trade seldom are
                  filled from sessions before the warm-up
    4.            all terms that are due walk the batch; in the block's own sessions, they are sampled at its ticks
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from engine.clock.calendar import Session
from engine.indicators.bank import Columns, TermBank, Walked
from engine.indicators.lazy_columns import LazyColumns
from engine.indicators.seldom_traded import SeldomTraded
from engine.indicators.session_rows import Panel, SessionRows
from engine.indicators.term import DAILY, TICKS, Term
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.daily import DailyBars, DailyPanel
from engine.panel.dividends import Dividends
from engine.panel.session_history import SessionHistory
from engine.panel.session_panel import SessionPanel
from engine.panel.splits import Splits
from engine.panel.symbol_table import SymbolTable
from engine.runtime.buffers import Buffers

DIVIDEND, CLOSE_EX = (
    "dividend",
    "close_ex",
)  # of the previous columns, those that corporate actions make
OF_ACTIONS = frozenset({DIVIDEND, CLOSE_EX})
TicksOf = Callable[[Session], tuple[Ints, Floats]]  # a session's ticks, and their slots


def block_of(date: dt.date, by_day: bool) -> tuple[int, int]:
    """The block that a session is computed with: its calendar month, or, where bars are daily, its year, as the files have them.

    A warm-up of many days a month would cost more than the month.
    """
    return (date.year, 0) if by_day else (date.year, date.month)


@dataclass(frozen=True)
class BlockSample:
    """What a block's walk through a batch gives; valid as long as the batch's panel.

    panel     the batch's bars, for the block's symbols
    columns   name -> float64[ticks, symbols]
    previous  daily column -> float64[sessions, symbols], the last value before each session
    lazy      columns that are computed for the symbols that are read
    walks     of the block, then of those that joined it: what `close_up` and `recompute` begin with
    """

    panel: Panel
    columns: Columns
    previous: Columns
    lazy: LazyColumns | None
    walks: Sequence[Walked]


@dataclass(eq=False)
class MonthBlock:
    """The states of one month, for the symbols of its table.

    sessions   dates of the month's sessions in the archive
    starts     term name -> first date it walks
    daily      daily bars of the month and of the longest daily warm-up before it
    ticks_of   when the run looks
    benchmark  id of the benchmark symbol, -1 where there is none
    previous_columns  of the daily bars, whose values of the session before are read
    close_up_terms    terms that `close_up` may sample again, for some symbols and at other ticks
    watched    the sessions that `recompute` may be asked for; None for none
    dividends  of the archive, where DIVIDEND or CLOSE_EX is among the previous columns
    buffers    what lives as long as the block
    history    sessions before, for symbols that trade seldom; None where bars are daily
    """

    table: SymbolTable
    sessions: Sequence[dt.date]
    starts: dict[str, dt.date]
    terms: list[Term]
    daily: DailyBars
    splits: Splits
    ticks_of: TicksOf
    buffers: Buffers
    benchmark: int = -1
    previous_columns: Sequence[str] = ()
    close_up_terms: frozenset[str] = frozenset()
    watched: Callable[[Panel], bool] | None = None
    dividends: Dividends | None = None
    history: SessionHistory | None = None
    _kept: list[Panel] = field(
        default_factory=list
    )  # of symbols that will split, to start anew from
    _joined: list[MonthBlock] = field(default_factory=list)
    _scaled_to: dt.date = dt.date.min

    def __post_init__(self) -> None:
        daily, starts, first = self.daily, self.starts, self.sessions[0]

        def begins(term: Term) -> Ints:
            return daily.begins(starts[term.name], first, term.warmup_rows)

        self._begins, self._bank = begins, TermBank(self.terms, len(self.table), begins)
        self._will_split = self.splits.ids(self.table, self.first_fed, self.sessions[-1])
        if self.benchmark in self._will_split:
            self._will_split = np.arange(len(self.table))  # every symbol is measured against it

    @property
    def first_fed(self) -> dt.date:
        """The first session that any of its intraday terms walks."""
        return min(
            [self.starts[term.name] for term in self.terms if term.rows != DAILY]
            + [self.sessions[0]]
        )

    def due(self, date: dt.date) -> list[Term]:
        """The terms that walk the session of `date`."""
        in_month = date >= self.sessions[0]
        return [
            term
            for term in self.terms
            if self.starts[term.name] <= date and (in_month or term.rows != DAILY)
        ]

    def advance(self, panel: Panel, sample: bool) -> BlockSample | None:
        """Walk a batch, in order of time; with `sample` give the columns at its ticks."""
        panel, date = self.panel_of(panel), panel.sessions[0].date
        self._apply_splits(date)
        if date == self.sessions[0]:
            self._walk_daily_history(date, None)
            self._fill_windows(date, None)
        rows = self._rows(panel)
        walked = self._bank.run(
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
        """The session of a sample for a few symbols and at ticks of its own: bars, and name -> float64[ticks, symbols].

        What is one row a tick (Term.rows = TICKS) is not in it.
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
            terms = block._close_up_of(panel.sessions[0].date)
            columns |= block._bank.pick(terms, walked.before, ids).run_all(rows, terms)
        return panel, columns

    def recompute(
        self,
        sample: BlockSample,
        panel_of: Callable[[SessionPanel], SessionPanel],
        daily_of: Callable[[DailyBars], DailyBars],
    ) -> Columns:
        """The columns of a watched session, were its bars others: name -> float64[ticks, symbols]."""
        assert isinstance(sample.panel, SessionPanel)
        panel, columns = panel_of(sample.panel), Columns()
        ticks, slots = self.ticks_of(panel.session)
        rows = SessionRows(panel, daily_of(self.daily), ticks, slots, self.benchmark)
        for block, walked in zip((self, *self._joined), sample.walks, strict=True):
            terms = block.due(panel.session.date)
            columns |= block._bank.pick(terms, walked.before, slice(None)).run_all(rows, terms)
        return columns

    def panel_of(self, panel: Panel) -> Panel:
        """A batch's bars for the symbols of this block."""
        return (
            panel.of_block(self.daily)
            if isinstance(panel, DailyPanel)
            else panel.realign(self.table)
        )

    def join(self, other: MonthBlock) -> None:
        """From now on walk a block of the same month and table, of terms that were asked for later, along with this one."""
        self._joined.append(other)

    def close(self) -> None:
        """The block is over: let go of its daily bars."""
        for block in (self, *self._joined):
            block.daily.columns.clear()
            block.buffers.close()

    def _kept_states(self, panel: Panel) -> list[str]:
        """The terms whose states before the batch `close_up` and `recompute` begin with."""
        date = panel.sessions[0].date
        watched = self.watched is not None and self.watched(panel)
        terms = self.due(date) if watched else self._close_up_of(date)
        return [term.name for term in terms if not term.lazy]

    def _close_up_of(self, date: dt.date) -> list[Term]:
        return [
            term
            for term in self.due(date)
            if term.name in self.close_up_terms and term.rows != TICKS
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
        """The symbols whose states a split touches: everybody's, where the benchmark splits."""
        return (
            np.arange(len(self.table))
            if self.benchmark in changed
            else np.array(sorted(changed), np.int64)
        )

    def _sample_after_splits(
        self, rows: SessionRows, walked: Walked, previous: Columns, sample: bool
    ) -> None:
        """Splits inside a batch: from each on, its symbols' values are those of bars in the scale after it."""
        panel = rows.panel
        dates, first_date = [session.date for session in panel.sessions], panel.sessions[0].date
        lazy = walked.lazy if sample else None
        terms = [term for term in self.due(first_date) if not term.lazy]
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
                again = self._bank.run(rows.over(scratch), terms, sample=sample, ids=ids)
                if sample:
                    for name, values in again.columns.items():
                        walked.columns[name][first:, ids] = values[first:, ids]
                    for name, after in self._previous(panel, ids).items():
                        previous[name][number:, ids] = after[number:]
        self._scaled_to = dates[-1]

    def _previous(self, panel: Panel, ids: Ints | None = None) -> Columns:
        """name -> float64[sessions, symbols]: the last value before each session, in the scale that the bars are in."""
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
        for term in self.terms:
            self._bank.reset(term, ids)
        for panel in self._kept:
            walked = [term for term in self.due(panel.sessions[0].date) if term.rows != DAILY]
            with self.buffers.scope() as scratch:
                self._bank.run(self._rows(panel.over(scratch)), walked, sample=False, ids=ids)
        if date > self.sessions[0]:
            self._walk_daily_history(date, ids)
            self._fill_windows(date, ids)

    def _walk_daily_history(self, date: dt.date, ids: Ints | None) -> None:
        terms = [term for term in self.terms if term.rows == DAILY and not term.lazy]
        bars: dict[tuple[dt.date, int], Bars] = {}
        for term in terms:
            alike = self.starts[term.name], term.warmup_rows
            if alike not in bars:
                bars[alike] = self.daily.history(self._begins(term), date)
        walked = [(term, bars[self.starts[term.name], term.warmup_rows]) for term in terms]
        self._bank.walk(walked, self.benchmark, ids)

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
            seldom.fill(self._bank, self.terms, date, ids)
