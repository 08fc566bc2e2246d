"""One calendar month of sessions: its terms' states, seeded from sessions before it and carried through it.

Every month is computed from its own warm-up, so the same month gives bit-for-bit the same values alone, in a
ten-year run, and on any worker. While one month is scanned, the next is already being seeded from the same
decoded bars, so nothing is read twice.

    1. `due`      which terms walk a session: those whose warm-up has begun
    2. `advance`  splits of the day: the states of the symbols are made anew from bars in the new scale
    3.            daily terms walk their history at the month's first session
    4.            all terms that are due walk the session; in the month, they are sampled at its ticks
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from engine.clock.calendar import Session
from engine.indicators.bank import Columns, SessionRows, TermBank
from engine.indicators.deferred import Deferred
from engine.indicators.term import DAILY, TICKS, Term
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.daily import DailyBars, DailyPanel
from engine.panel.dividends import Dividends
from engine.panel.session_panel import SessionPanel
from engine.panel.splits import Splits
from engine.panel.symbol_table import SymbolTable

Panel = SessionPanel | DailyPanel
DIVIDEND, CLOSE_EX = "dividend", "close_ex"  # of the previous columns, those that corporate actions make
OF_ACTIONS = frozenset({DIVIDEND, CLOSE_EX})
TicksOf = Callable[[Session], tuple[Ints, Floats]]  # a session's ticks, and their slots


def block_of(date: dt.date, by_day: bool) -> tuple[int, int]:
    """The block that a session is computed with: its calendar month, or, where bars are daily, its year, as the files have them.

    A warm-up of many days a month would cost more than the month.
    """
    return (date.year, 0) if by_day else (date.year, date.month)


@dataclass
class MonthBlock:
    """The states of one month, for the symbols of its table.

    sessions  dates of the month's sessions in the archive
    starts    term name -> first date it walks
    daily     daily bars of the month and of the longest daily warm-up before it
    benchmark  id of the benchmark symbol, -1 where there is none
    close_up_terms  terms that `close_up` may sample again, for some symbols and at other ticks
    """

    table: SymbolTable
    sessions: Sequence[dt.date]
    starts: dict[str, dt.date]
    terms: list[Term]
    daily: DailyBars
    splits: Splits
    ticks_of: TicksOf
    benchmark: int = -1
    close_up_terms: frozenset[str] = frozenset()  # of which the states before each session are remembered
    previous_columns: Sequence[str] = ()  # of the daily bars, whose values of the session before are read
    watched: Callable[[Panel], bool] | None = None  # the sessions that `again` may be asked for
    dividends: Dividends | None = None  # where DIVIDEND or CLOSE_EX is among the previous columns
    _kept: list[Panel] = field(default_factory=list)  # of symbols that will split, to start anew from
    _joined: list[MonthBlock] = field(default_factory=list)

    def __post_init__(self) -> None:
        daily, starts, first = self.daily, self.starts, self.sessions[0]  # not itself, or it would be freed late

        def begins(term: Term) -> Ints:
            return daily.begins(starts[term.name], first, term.warmup_rows)

        self._begins, self._bank = begins, TermBank(self.terms, len(self.table), begins)
        self._watched = self.splits.ids(self.table, self.first_fed, self.sessions[-1])
        if self.benchmark in self._watched:
            self._watched = np.arange(len(self.table))  # every symbol is measured against it
        self._scaled_to = dt.date.min
        self.deferred: Deferred | None = None  # of the session that was sampled last
        self.previous: Columns = {}  # of the sessions that were sampled last: daily column -> float64[sessions, symbols]

    @property
    def first_fed(self) -> dt.date:
        """The first session that any of its intraday terms walks."""
        return min([self.starts[term.name] for term in self.terms if term.rows != DAILY] + [self.sessions[0]])

    def due(self, date: dt.date) -> list[Term]:
        """The terms that walk the session of `date`."""
        in_month = date >= self.sessions[0]
        return [term for term in self.terms if self.starts[term.name] <= date and (in_month or term.rows != DAILY)]

    def advance(self, panel: Panel, sample: bool) -> Columns:
        """Walk one session, or a stretch of daily ones, in order of time; with `sample` return the columns at its ticks."""
        panel, date = self.panel_of(panel), panel.sessions[0].date
        self._apply_splits(date)
        if date == self.sessions[0]:
            self._walk_daily_history(date, None)
        watched = sample and self.watched is not None and self.watched(panel)
        if watched or (sample and self.close_up_terms):
            self._bank.remember(self.due(date) if watched else self._close_up_of(date))
        columns = self._bank.run(self._rows(panel), self.due(date), sample)
        if sample:
            self.previous, self.deferred = self._previous(panel), self._bank.deferred
        self._sample_after_splits(panel, columns, sample)
        if isinstance(panel, DailyPanel):
            self._kept = [panel]  # what is not walked day by day from the history looks back one session
        elif len(self._watched):
            self._kept.append(panel.only(self._watched))
        for other in self._joined:
            columns |= other.advance(panel, sample)
        return columns

    def close_up(self, panel: Panel, table: SymbolTable, ticks: Ints) -> Columns:
        """The session that was sampled last, for a few symbols and at ticks of its own: name -> float64[ticks, symbols].

        What is one row a tick (Term.rows = TICKS) is not in it. `panel` holds the session's bars of `table`.
        """
        terms, ids = self._close_up_of(panel.sessions[0].date), self.table.ids(table.series)
        benchmark = table.id(self.table.names[self.benchmark]) if self.benchmark >= 0 else None
        rows = SessionRows(panel, self.daily.realign(table), ticks, np.zeros(len(ticks)), -1 if benchmark is None else benchmark)
        columns = self._bank.pick(terms, ids).run_all(rows, terms)
        for other in self._joined:
            columns |= other.close_up(panel, table, ticks)
        return columns

    def again(self, panel: SessionPanel, daily: DailyBars) -> Columns:
        """The watched session, sampled last, with other bars from the states before it: name -> float64[ticks, symbols]."""
        terms, (ticks, slots) = self.due(panel.session.date), self.ticks_of(panel.session)
        rows = SessionRows(panel, daily, ticks, slots, self.benchmark)
        columns = self._bank.pick(terms).run_all(rows, terms)
        for other in self._joined:
            columns |= other.again(panel, daily)
        return columns

    def _close_up_of(self, date: dt.date) -> list[Term]:
        return [term for term in self.due(date) if term.name in self.close_up_terms and term.rows != TICKS]

    def panel_of(self, panel: Panel) -> Panel:
        """A session for the symbols of this block."""
        return panel.of_block(self.daily) if isinstance(panel, DailyPanel) else panel.realign(self.table)

    def join(self, other: MonthBlock) -> None:
        """From now on walk a block of the same month and table, of terms that were asked for later, along with this one."""
        self._joined.append(other)

    def _rows(self, panel: Panel) -> SessionRows:
        ticks, slots = zip(*map(self.ticks_of, panel.sessions), strict=True)
        return SessionRows(panel, self.daily, np.concatenate(ticks), np.concatenate(slots), self.benchmark)

    def _apply_splits(self, date: dt.date) -> None:
        changed: set[int] = set()
        for ex_date, symbol, ratio in self.splits.between(self.table, self._scaled_to, date):
            self.daily.rescale(symbol, ratio, ex_date)
            for panel in self._kept:
                panel.rescale(symbol, ratio)
            changed.add(symbol)
        self._scaled_to = date
        if changed and self._kept:
            ids = range(len(self.table)) if self.benchmark in changed else sorted(changed)
            self._start_anew(date, np.array(ids, np.int64))

    def _sample_after_splits(self, panel: Panel, columns: Columns, sample: bool) -> None:
        """Splits inside a stretch: from each on, its symbols' values are those of bars in the scale after it."""
        dates = [session.date for session in panel.sessions]
        deferred = self.deferred if sample else None
        for ex_date, splits in groupby(self.splits.between(self.table, dates[0], dates[-1]), key=lambda split: split[0]):
            rows, ratios = self._rows(panel), [(symbol, ratio) for _, symbol, ratio in splits]
            changed = {symbol for symbol, _ in ratios}
            number = bisect_left(dates, ex_date)
            first = int(np.searchsorted(rows.session_of_tick, number))
            ids = np.arange(len(self.table)) if self.benchmark in changed else np.array(sorted(changed), np.int64)
            if deferred:
                deferred.fill(deferred, ids)
            for symbol, ratio in ratios:
                self.daily.rescale(symbol, ratio, ex_date)
            if deferred:
                deferred.renew(ids, first)
            before = {name: values[:first, ids] for name, values in columns.items()}
            self._start_anew(dates[0], ids)
            if dates[0] == self.sessions[0]:
                self._walk_daily_history(dates[0], ids)
            self._bank.run(rows, [term for term in self.due(dates[0]) if not term.deferred], sample, ids)
            for name, values in before.items():
                columns[name][:first, ids] = values
            if sample:
                for name, after in self._previous(panel, ids).items():
                    self.previous[name][number:, ids] = after[number:]
        self._scaled_to = dates[-1]

    def _previous(self, panel: Panel, ids: Ints | None = None) -> Columns:
        """name -> float64[sessions, symbols]: the last value before each session, in the scale that the bars are in."""
        if not self.previous_columns:
            return {}
        rows = self.daily.before(panel.sessions, ids).T
        stored = [name for name in self.previous_columns if name not in OF_ACTIONS]
        found = {name: np.where(rows >= 0, self.daily.columns[name][rows], np.nan) for name in stored}
        if self.dividends is not None:
            table = self.table if ids is None else SymbolTable([self.table.names[symbol] for symbol in ids])
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
            self._bank.run(self._rows(panel), walked, False, ids)
        if date > self.sessions[0]:
            self._walk_daily_history(date, ids)

    def _walk_daily_history(self, date: dt.date, ids: Ints | None) -> None:
        terms = [term for term in self.terms if term.rows == DAILY and not term.deferred]
        bars: dict[tuple[dt.date, int], Bars] = {}
        for term in terms:
            alike = self.starts[term.name], term.warmup_rows
            if alike not in bars:
                bars[alike] = self.daily.history(self._begins(term), date)
        walked = [(term, bars[self.starts[term.name], term.warmup_rows]) for term in terms]
        self._bank.walk(walked, self.benchmark, ids)
