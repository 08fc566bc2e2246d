"""The states of a set of terms over a table of symbols, and the pass that moves them through one session.

    1. `SessionRows` lays out what the terms walk: bars by interval, the session's daily bars, ticks.
    2. `TermBank.run` makes one job a term, over those rows.
    3. `run_over_symbols` runs all jobs of a chunk of symbols while its bars are in the processor's cache.
    4. `Deferred` has the terms that are computed only for the symbols that somebody asks for.

A kernel walks every bar and carries its state; only the rows that a tick sees are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.clock.interval import MICROS_A_MINUTE, Interval
from engine.indicators.deferred import Deferred, kernel_job
from engine.indicators.past import PastKey, PastRows, past_key
from engine.indicators.term import BENCHMARK, DAILY, EACH_SESSION, LAST_SESSION, OF_SESSION, REGULAR, TICKS, VISIBLE, Term
from engine.kernels.session_so_far import last_value
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.daily import DailyBars, DailyPanel
from engine.panel.passes import Job, run_over_symbols
from engine.panel.session_panel import SessionPanel
from engine.runtime.reuse import reused

NO_TICKS = np.empty(0, np.int64)
SESSIONS_BACK = {LAST_SESSION: 1, OF_SESSION: 0, EACH_SESSION: 0}  # how old a value may be; where not named, as old as it is
Columns = dict[str, Floats]  # name -> float64[ticks, symbols]


class SessionRows:
    """What terms walk in one session, and which row each tick sees.

    ticks  int64[ticks], microseconds
    slots  float64[ticks], each tick's index in the run's table of times of day
    benchmark  id of the benchmark symbol, -1 where there is none
    """

    def __init__(self, panel: SessionPanel | DailyPanel, daily: DailyBars | None, ticks: Ints, slots: Floats, benchmark: int = -1):
        self.panel, self.daily, self.ticks, self.slots, self._benchmark = panel, daily, ticks, slots, benchmark
        self._kept: dict[str, Bars] = {}
        self._benchmarks: dict[str, Floats] = {}

    def bars(self, rows: str) -> Bars:
        """The bars that terms over `rows` walk."""
        if rows not in self._kept:
            self._kept[rows] = self._make(rows)
        return self._kept[rows]

    def inputs(self, term: Term) -> tuple[Floats, ...]:
        """The columns that a term reads, over the bars it walks."""
        return tuple(self.column(term.rows, name) for name in term.inputs)

    def column(self, rows: str, name: str) -> Floats:
        """A column over the bars that terms over `rows` walk."""
        bars = self.bars(rows)
        if name != BENCHMARK:
            return bars.column(name)
        if rows not in self._benchmarks:
            self._benchmarks[rows] = bars.latest_of(self._benchmark)
        return self._benchmarks[rows]

    def silent(self, rows: str) -> Ints:
        """The symbols without a bar in the last session."""
        bars = self.bars(rows)
        if len(self.panel.sessions) == 1:
            return np.flatnonzero(bars.ends == bars.starts)
        without = bars.ends == bars.starts
        last = self.session_of(np.where(without, 0, bars.ends - 1))
        return np.flatnonzero(without | (last < len(self.panel.sessions) - 1))

    def session_of(self, rows: Ints) -> Ints:
        """Which of the panel's sessions each of some daily bars is of."""
        assert self.daily is not None
        return self.daily.numbers(self.panel.sessions, rows)

    @cached_property
    def session_of_tick(self) -> Ints:
        """int64[ticks]: which of the panel's sessions each is in."""
        return np.searchsorted([session.open for session in self.panel.sessions], self.ticks, side="right") - 1

    def _make(self, rows: str) -> Bars:
        if rows == VISIBLE:
            return self.panel.visible
        if rows == REGULAR:
            return self.panel.regular
        if rows == DAILY and self.daily is not None:
            return self.daily.of(self.panel.sessions)
        if rows == TICKS:
            return self._tick_rows()
        return self.panel.bars(Interval.parse(rows))

    def _tick_rows(self) -> Bars:
        """One row a symbol and tick, symbol by symbol; `session_volume` is filled in by `fill_tick_rows`."""
        symbols, ticks = len(self.panel.table), len(self.ticks)
        starts = np.arange(symbols, dtype=np.int64) * ticks
        columns = {
            "session_volume": np.empty(symbols * ticks),
            "slot": np.tile(self.slots, symbols),
            "session": np.full(symbols * ticks, float(self.panel.sessions[0].date.toordinal())),
        }
        return Bars(starts, starts + ticks, np.tile(self.ticks, symbols), 0, columns)


class TermBank:
    """States and last values of terms, for every symbol of a table.

    begins  term over daily bars -> int64[symbols], the first row of its warm-up
    """

    def __init__(self, terms: Sequence[Term], symbols: int, begins: Callable[[Term], Ints] | None = None):
        self.symbols, self._begins = symbols, begins
        self._states: dict[str, Floats] = {}
        self._carried: dict[str, Floats] = {}
        self._out: Columns = {}
        self._rows: dict[str, Ints] = {}
        self._before: dict[str, tuple[Floats, Floats]] = {}  # states and last values when last remembered
        for term in terms:
            if not (term.deferred and term.is_stateless):
                self._states[term.name], self._carried[term.name] = _fresh(term, symbols)
        self._before_session: dict[str, tuple[Floats, Floats]] = {}  # of terms that wait: states and last values
        self._pasts = {key: PastRows(symbols, windows) for key, windows in _windows(terms).items()}
        self.deferred: Deferred | None = None  # of the session that was sampled last

    def reset(self, term: Term, ids: Ints | slice) -> None:
        """Make the states of some symbols fresh again."""
        if term.deferred and term.is_stateless:
            if term.keeps_past:
                self._pasts[past_key(term)].reset(ids)
            return
        self._states[term.name][ids] = 0.0
        self._carried[term.name][:, ids] = term.empty

    def remember(self, terms: Sequence[Term]) -> None:
        """Keep copies of the terms' states as they are now, for `pick`."""
        walked = [term.name for term in terms if not term.deferred]
        self._before = {name: (self._states[name].copy(), self._carried[name].copy()) for name in walked}

    def pick(self, terms: Sequence[Term], ids: Ints | None = None) -> TermBank:
        """A bank of some symbols alone, or of all, with the states that were last remembered; of terms that wait, those before
        the session that was sampled last.
        """
        picked = TermBank([], self.symbols if ids is None else len(ids))
        for term in terms:
            if term.deferred and term.is_stateless:
                continue
            states, carried = (self._before_session if term.deferred else self._before)[term.name]
            picked._states[term.name] = states.copy() if ids is None else states[ids]
            picked._carried[term.name] = carried.copy() if ids is None else np.ascontiguousarray(carried[:, ids])
        picked._pasts = {key: self._pasts[key].pick(slice(None) if ids is None else ids) for key in _windows(terms)}
        return picked

    def run(self, session: SessionRows, terms: Sequence[Term], sample: bool = True, ids: Ints | None = None) -> Columns:
        """Move terms through a session; with `sample`, return their columns at its ticks.

        The columns are float64[ticks, symbols] and are overwritten by the next call. `ids` restricts the pass to
        some symbols.
        """
        jobs: list[Job] = []
        rows = _RowsAtTicks(session, sample, jobs, self._rows)
        columns: Columns = {}
        waiting, terms = [term for term in terms if term.deferred], [term for term in terms if not term.deferred]
        for term in terms:
            if term.carry == EACH_SESSION:
                self.reset(term, slice(None))
            elif term.carry == OF_SESSION:
                self._carried[term.name][:] = term.empty
            out = {name: self._buffer(name, rows.ticks_for(term)) for name in term.outputs}
            columns |= out
            if term.rows == TICKS:
                jobs.append(_fill_tick_rows(session, columns["session_volume"]))
            outs = tuple(out.values())
            if term.carry == EACH_SESSION and len(session.panel.sessions) > 1:
                jobs.append(self._pick_job(term, session, rows.of(term), outs, ids))
            else:
                jobs.append(self._job(term, session.bars(term.rows), session.inputs(term), rows.of(term), outs))
        for term in waiting:
            if not term.is_stateless:
                jobs.append(self._walk_states(term, session, keep=sample and ids is None))
        for key, windows in _windows(waiting).items():
            own = {name: session.column(windows[0].rows, name) for term in windows for name in term.inputs}
            jobs += self._pasts[key].jobs(own, session.bars(windows[0].rows), ids)
        self._go(jobs, ids)
        if sample:
            self.deferred = self._wait(session, waiting, rows) if waiting else None
            self._hide_unknown(session, terms, columns)
            self._hide_old(session, rows, terms, columns, ids)
        self._forget_old_values(session, [*terms, *(term for term in waiting if not term.is_stateless)], ids)
        return columns

    def run_all(self, session: SessionRows, terms: Sequence[Term]) -> Columns:
        """As `run`, with the columns of all terms, also of those that might wait."""
        columns = self.run(session, [replace(term, deferred=term.deferred and term.is_stateless) for term in terms])
        if self.deferred:
            columns |= self.deferred.everything()
            self.deferred.close()
        return columns

    def _wait(self, session: SessionRows, terms: Sequence[Term], rows: _RowsAtTicks) -> Deferred:
        def bars_of(term: Term) -> tuple[Bars, Callable[[str], Floats]]:
            return session.bars(term.rows), lambda name: session.column(term.rows, name)

        kept = self._before_session  # not itself, or it would be freed late

        def before(term: Term, ids: Ints) -> tuple[Floats, Floats]:
            if term.is_stateless:
                return _fresh(term, len(ids))
            states, carried = kept[term.name]
            return states[ids], np.ascontiguousarray(carried[:, ids])

        return Deferred(
            terms, self.symbols, bars_of, rows.of_some, before, lambda term: _early(session, term), self._pasts, self._begins
        )

    def _walk_states(self, term: Term, session: SessionRows, keep: bool) -> Job:
        """The job that moves a term through a session without sampling it; with `keep` what was before is kept."""
        if term.carry == OF_SESSION:
            self._carried[term.name][:] = term.empty
        if keep:
            now = self._states[term.name], self._carried[term.name]
            kept = self._before_session.setdefault(term.name, (np.empty_like(now[0]), np.empty_like(now[1])))
            for old, new in zip(kept, now, strict=True):
                np.copyto(old, new)
        return self._unsampled_job(term, session.bars(term.rows), session.inputs(term))

    def walk(self, terms: Sequence[tuple[Term, Bars]], benchmark: int = -1, ids: Ints | None = None) -> None:
        """Move terms through bars that lie before the session at hand, writing nothing."""
        jobs = []
        for term, bars in terms:
            inputs = tuple(bars.latest_of(benchmark) if name == BENCHMARK else bars.column(name) for name in term.inputs)
            jobs.append(self._unsampled_job(term, bars, inputs))
        if jobs:
            self._go(jobs, ids)

    def _hide_unknown(self, session: SessionRows, terms: Sequence[Term], columns: Columns) -> None:
        for term in terms:
            if term.known_after:
                early = _early(session, term)
                for name in term.outputs:
                    columns[name][early] = term.empty

    def _hide_old(
        self, session: SessionRows, rows: _RowsAtTicks, terms: Sequence[Term], columns: Columns, ids: Ints | None
    ) -> None:
        """Where a stretch of sessions was walked at once: hide values of earlier sessions that do not reach so far."""
        if len(session.panel.sessions) == 1:
            return
        old: dict[int, tuple[Ints, Ints]] = {}
        for term in terms:
            reach = SESSIONS_BACK.get(term.carry)
            if reach is not None:
                if reach not in old:
                    old[reach] = self._older(session, rows.of(term), session.bars(term.rows), reach, ids)
                for name in term.outputs:
                    columns[name][old[reach]] = term.empty

    def _older(self, session: SessionRows, rows: Ints, bars: Bars, reach: int, ids: Ints | None) -> tuple[Ints, Ints]:
        """(ticks, symbols) at which the latest bar is more than `reach` sessions back."""
        everyone = np.arange(self.symbols) if ids is None else ids
        whole = bars.ends[everyone] - bars.starts[everyone] == len(session.panel.sessions)
        gaps = everyone[~whole]
        latest = rows[gaps]
        found = np.where(latest >= bars.starts[gaps, None], session.session_of(np.maximum(latest, 0)), -1)
        who, when = np.nonzero(session.session_of_tick - found > reach)
        if reach:
            return when, gaps[who]
        # a symbol with a bar in every session has none of today before the close
        closes = np.array([session.close for session in session.panel.sessions])
        before = np.flatnonzero(session.ticks < closes[session.session_of_tick])
        ticks, symbols = np.meshgrid(before, everyone[whole], indexing="ij")
        return np.concatenate([when, ticks.ravel()]), np.concatenate([gaps[who], symbols.ravel()])

    def _forget_old_values(self, session: SessionRows, terms: Sequence[Term], ids: Ints | None) -> None:
        silent: dict[str, Ints] = {}
        for term in terms:
            if term.carry == LAST_SESSION:
                if term.rows not in silent:
                    without = session.silent(term.rows)
                    silent[term.rows] = without if ids is None else np.intersect1d(without, ids)
                self._carried[term.name][:, silent[term.rows]] = term.empty

    def _go(self, jobs: list[Job], ids: Ints | None) -> None:
        if ids is None:
            run_over_symbols(self.symbols, jobs)
            return
        for symbol in ids.tolist():
            for job in jobs:
                job(symbol, symbol + 1)

    def _buffer(self, name: str, ticks: int) -> Floats:
        if not ticks:
            return np.empty((0, self.symbols))
        kept = self._out.get(name)
        if kept is None or kept.shape[0] != ticks:
            kept = self._out[name] = reused.empty((ticks, self.symbols))
        return kept

    def _job(self, term: Term, bars: Bars, inputs: tuple[Floats, ...], rows: Ints, outs: tuple[Floats, ...]) -> Job:
        return kernel_job(term, bars, inputs, rows, self._states[term.name], self._carried[term.name], outs)

    def _unsampled_job(self, term: Term, bars: Bars, inputs: tuple[Floats, ...]) -> Job:
        outs = tuple(np.empty((0, self.symbols)) for _ in term.outputs)
        return self._job(term, bars, inputs, np.empty((self.symbols, 0), np.int64), outs)

    def _pick_job(self, term: Term, session: SessionRows, rows: Ints, outs: tuple[Floats, ...], ids: Ints | None) -> Job:
        """A term that starts anew at every session, over sessions of one bar each: every bar for itself."""
        bars, inputs, carried = session.bars(term.rows), session.inputs(term), self._carried[term.name]
        each = bars.rows_of(np.arange(self.symbols) if ids is None else ids)
        states, none = np.zeros((len(each), max(1, term.state_size))), np.full((len(outs), len(each)), term.empty)
        values = tuple(np.empty((1, len(each))) for _ in outs)
        scratch = tuple(np.empty(1) for _ in outs)
        term.kernel.over_symbols(0, len(each), each, each + 1, inputs, term.params, states, each[:, None], scratch, none, values)
        made = tuple(np.empty(len(inputs[0])) for _ in outs)
        for column, value in zip(made, values, strict=True):
            column[each] = value[0]
        unused, longest = np.zeros((self.symbols, 1)), bars.longest

        def job(first: int, last: int) -> None:
            for number, column in enumerate(made):
                last_value.over_symbols(
                    first, last, bars.starts, bars.ends, (column,), (), unused, rows, (np.empty(longest),),
                    carried[number : number + 1], (outs[number],),
                )  # fmt: skip

        return job


class _RowsAtTicks:
    """rows[symbol, tick] for each kind of rows, looked up once by a job of its own; `kept` are the arrays of the last session."""

    def __init__(self, session: SessionRows, sample: bool, jobs: list[Job], kept: dict[str, Ints]):
        self._session, self._sample, self._jobs, self._kept = session, sample, jobs, kept
        self._made: dict[int, Ints] = {}  # by the bars that are looked up

    def ticks_for(self, term: Term) -> int:
        return len(self._ticks(term.rows, term.name))

    def of(self, term: Term) -> Ints:
        ticks = self._ticks(term.rows, term.name)
        bars = self._session.bars(term.rows)
        key = id(bars) if len(ticks) else 0
        if key not in self._made:
            self._made[key] = self._look_up(term.rows if len(ticks) else "none", bars, ticks)
        return self._made[key]

    def of_some(self, bars: Bars, ids: Ints) -> Ints:
        """int64[ids, ticks]: the rows of some symbols alone."""
        if id(bars) in self._made:
            return self._made[id(bars)][ids]
        some = replace(bars, starts=bars.starts[ids], ends=bars.ends[ids])
        rows = np.empty((len(ids), len(self._session.ticks)), np.int64)
        some.find_rows(0, len(ids), self._session.ticks, rows)
        return rows

    def _ticks(self, rows: str, name: str) -> Ints:
        # what is walked by tick needs its ticks, and the volume so far at them, when nothing is sampled as well
        needed = self._sample or rows == TICKS or name == "session_volume"
        return self._session.ticks if needed else NO_TICKS

    def _look_up(self, kind: str, bars: Bars, ticks: Ints) -> Ints:
        shape = (len(bars.starts), len(ticks))
        rows = self._kept.get(kind)
        if rows is None or rows.shape != shape:  # fresh memory costs page faults: reuse it
            rows = self._kept[kind] = reused.empty(shape, np.int64)
        self._jobs.append(lambda first, last: bars.find_rows(first, last, ticks, rows))
        return rows


def _windows(terms: Sequence[Term]) -> dict[PastKey, list[Term]]:
    """The windows among the terms that wait, by the past that they share."""
    found: dict[PastKey, list[Term]] = {}
    for term in terms:
        if term.deferred and term.keeps_past:
            found.setdefault(past_key(term), []).append(term)
    return found


def _fresh(term: Term, symbols: int) -> tuple[Floats, Floats]:
    """States and last values of symbols of which nothing was walked."""
    return np.zeros((symbols, max(1, term.state_size))), np.full((len(term.outputs), symbols), term.empty)


def _early(session: SessionRows, term: Term) -> NDArray[np.bool_]:
    """The ticks before a term has a value."""
    early: NDArray[np.bool_] = session.ticks < session.panel.opens_of(session.ticks) + term.known_after * MICROS_A_MINUTE
    return early


def _fill_tick_rows(session: SessionRows, session_volume: Floats) -> Job:
    flat = session.bars(TICKS).column("session_volume").reshape(len(session.panel.table), len(session.ticks))

    def job(first: int, last: int) -> None:
        flat[first:last] = session_volume[:, first:last].T

    return job
