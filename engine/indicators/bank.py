"""The states of a set of terms over a table of symbols, and the pass that moves them through a batch of sessions.

    1. `SessionRows` lays out what the terms walk: bars by interval, the session's daily bars, ticks.
    2. `TermBank.run` makes one job a term, over those rows.
    3. `run_over_symbols` runs all jobs of a chunk of symbols while its bars are in the processor's cache.
    4. `LazyColumns` has the terms that are computed only for the symbols that somebody reads.

A kernel walks every bar and carries its state; only the rows that a tick sees are written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.indicators.lazy_columns import LazyColumns, States, fresh_states, kernel_job
from engine.indicators.past import PastKey, PastRows, past_key
from engine.indicators.session_rows import SessionRows
from engine.indicators.term import BENCHMARK, TICKS, Carry, Term
from engine.kernels.session_so_far import last_value
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.passes import Job, run_over_symbols

# how many sessions old a value may be; any age where not named
SESSIONS_BACK = {Carry.LAST_SESSION: 1, Carry.OF_SESSION: 0, Carry.EACH_SESSION: 0}
Columns = dict[str, Floats]  # name -> float64[ticks, symbols]


@dataclass(frozen=True)
class Walked:
    """What a walk through a batch gives where it is sampled; valid as long as the batch's panel.

    columns  of the terms that are not lazy
    lazy     of those that are
    before   states of terms before the batch: of lazy ones, and of those that were to be kept
    """

    columns: Columns
    lazy: LazyColumns | None
    before: States


class TermBank:
    """States and last values of terms, for every symbol of a table.

    begins  term over daily bars -> int64[symbols], the first row of its warm-up
    """

    def __init__(self, terms: Sequence[Term], symbols: int, begins: Callable[[Term], Ints]):
        self.symbols, self.begins = symbols, begins
        fresh = {
            term.name: fresh_states(term, symbols)
            for term in terms
            if not (term.lazy and term.is_stateless)
        }
        self._states = {name: states for name, (states, _) in fresh.items()}
        self._carried = {name: carried for name, (_, carried) in fresh.items()}
        self._pasts = {
            key: PastRows.of(symbols, windows) for key, windows in _windows(terms).items()
        }
        # rows that windows have walked of each symbol since they were fresh
        self._counts = {key: np.zeros(symbols, np.int64) for key in windows_that_reach(terms)}

    def reset(self, term: Term, ids: Ints | slice) -> None:
        """Make the states of some symbols fresh again."""
        if term.reach_sessions:
            self._counts[past_key(term)][ids] = 0
        if term.lazy and term.is_stateless:
            if term.keeps_past:
                self._pasts[past_key(term)].reset(ids)
            return
        self._states[term.name][ids] = 0.0
        self._carried[term.name][:, ids] = term.empty

    def rows_walked(self, key: PastKey) -> Ints:
        """int64[symbols]: how many rows the windows of a past have walked since they were fresh."""
        return self._counts[key]

    def take(self, other: TermBank, terms: Sequence[Term], ids: Ints, places: Ints) -> None:
        """Have the states of windows over some symbols from another bank, whose ids of them are `places`."""
        for term in terms:
            if not term.lazy:
                self._states[term.name][ids] = other._states[term.name][places]
                self._carried[term.name][:, ids] = other._carried[term.name][:, places]
        for key in _windows(terms):
            self._pasts[key].take(other._pasts[key], ids, places)
        for key in windows_that_reach(terms):
            self._counts[key][ids] = other._counts[key][places]

    def pick(self, terms: Sequence[Term], before: States, ids: Ints | slice) -> TermBank:
        """A bank of some symbols alone, with the states before the batch that was walked last."""
        picked = TermBank([], self.symbols if isinstance(ids, slice) else len(ids), self.begins)
        for term in terms:
            if not (term.lazy and term.is_stateless):
                states, carried = before[term.name]
                picked._states[term.name] = states[ids].copy()
                picked._carried[term.name] = np.ascontiguousarray(carried[:, ids]).copy()
        picked._pasts.update({key: self._pasts[key].pick(ids) for key in _windows(terms)})
        return picked

    def run(
        self,
        rows: SessionRows,
        terms: Sequence[Term],
        *,
        sample: bool,
        ids: Ints | None = None,
        keep: Collection[str] = (),
    ) -> Walked:
        """Move terms through a batch; with `sample`, their columns at its ticks.

        ids   restricts the walk to some symbols
        keep  names of terms whose states before the batch are kept, beside those of lazy ones
        """
        lazy, walked = (
            [term for term in terms if term.lazy],
            [term for term in terms if not term.lazy],
        )
        stateful = [term for term in lazy if not term.is_stateless]
        before = (
            self._before(rows, [term.name for term in stateful] + [*keep])
            if sample and ids is None
            else {}
        )
        jobs, columns = list[Job](), Columns()
        for term in walked:
            jobs += self._walk_and_sample(term, rows, columns, sample, ids)
        jobs += [self._walk_states(term, rows) for term in stateful]
        for key, windows in _windows(lazy).items():
            own = {
                name: rows.column(windows[0].rows, name) for term in windows for name in term.inputs
            }
            jobs += self._pasts[key].jobs(own, rows.bars(windows[0].rows), ids)
        self._go(jobs, ids)
        self._count_rows(rows, terms, ids)
        if sample:
            self._hide_unknown(rows, walked, columns)
            self._hide_old(rows, walked, columns, ids)
        self._forget_old_values(rows, [*walked, *stateful], ids)
        waiting = (
            LazyColumns(lazy, rows, before, self._pasts, self.begins) if sample and lazy else None
        )
        return Walked(columns, waiting, before)

    def run_all(self, rows: SessionRows, terms: Sequence[Term]) -> Columns:
        """The columns of all terms, also of lazy ones, for all symbols."""
        terms = [replace(term, lazy=term.lazy and term.is_stateless) for term in terms]
        walked = self.run(rows, terms, sample=True)
        return walked.columns | (walked.lazy.everything() if walked.lazy else {})

    def _count_rows(self, rows: SessionRows, terms: Sequence[Term], ids: Ints | None) -> None:
        which = slice(None) if ids is None else ids
        for key, windows in windows_that_reach(terms).items():
            if key in self._counts:  # a bank that was picked has none: nobody asks it
                bars = rows.bars(windows[0].rows)
                self._counts[key][which] += (bars.ends - bars.starts)[which]

    def _before(self, rows: SessionRows, names: Sequence[str]) -> States:
        """Copies of states and last values as they are now."""
        found = {}
        for name in dict.fromkeys(names):
            now = self._states[name], self._carried[name]
            found[name] = rows.buffers.empty(now[0].shape), rows.buffers.empty(now[1].shape)
            for copy, values in zip(found[name], now, strict=True):
                np.copyto(copy, values)
        return found

    def _walk_and_sample(
        self, term: Term, rows: SessionRows, columns: Columns, sample: bool, ids: Ints | None
    ) -> list[Job]:
        """The jobs that move a term through a batch and fill in its columns, which are added to `columns`.

        What is walked tick by tick needs its ticks, and the volume so far at them, when nothing is sampled as well.
        """
        if term.carry is Carry.EACH_SESSION:
            self.reset(term, slice(None))
        elif term.carry is Carry.OF_SESSION:
            self._carried[term.name][:] = term.empty
        jobs = list[Job]()
        at_ticks = sample or term.rows == TICKS or term.name == "session_volume"
        seen = rows.seen(term.rows, jobs) if at_ticks else np.empty((self.symbols, 0), np.int64)
        out = {name: rows.buffers.empty((seen.shape[1], self.symbols)) for name in term.outputs}
        columns |= out
        outs = tuple(out.values())
        if term.rows == TICKS:
            jobs.append(_fill_tick_rows(rows, columns["session_volume"]))
        if term.carry is Carry.EACH_SESSION and len(rows.panel.sessions) > 1:
            jobs.append(self._pick_job(term, rows, seen, outs, ids))
        else:
            jobs.append(self._job(term, rows.bars(term.rows), rows.inputs(term), seen, outs))
        return jobs

    def _walk_states(self, term: Term, rows: SessionRows) -> Job:
        """The job that moves a term through a batch without sampling it."""
        if term.carry is Carry.OF_SESSION:
            self._carried[term.name][:] = term.empty
        return self._unsampled_job(term, rows.bars(term.rows), rows.inputs(term))

    def walk(
        self, terms: Sequence[tuple[Term, Bars]], benchmark: int = -1, ids: Ints | None = None
    ) -> None:
        """Move terms through bars that lie before the session at hand, writing nothing."""
        jobs = []
        for term, bars in terms:
            inputs = tuple(
                bars.latest_of(benchmark) if name == BENCHMARK else bars.column(name)
                for name in term.inputs
            )
            jobs.append(self._unsampled_job(term, bars, inputs))
        if jobs:
            self._go(jobs, ids)

    def _hide_unknown(self, rows: SessionRows, terms: Sequence[Term], columns: Columns) -> None:
        for term in terms:
            if term.known_after:
                early = rows.before_known(term)
                for name in term.outputs:
                    columns[name][early] = term.empty

    def _hide_old(
        self, rows: SessionRows, terms: Sequence[Term], columns: Columns, ids: Ints | None
    ) -> None:
        """Where several sessions were walked at once: hide values of earlier sessions that do not reach so far."""
        if len(rows.panel.sessions) == 1:
            return
        old: dict[int, tuple[Ints, Ints]] = {}
        for term in terms:
            reach = SESSIONS_BACK.get(term.carry)
            if reach is not None:
                if reach not in old:
                    old[reach] = self._older(rows, term.rows, reach, ids)
                for name in term.outputs:
                    columns[name][old[reach]] = term.empty

    def _older(
        self, rows: SessionRows, kind: str, reach: int, ids: Ints | None
    ) -> tuple[Ints, Ints]:
        """(ticks, symbols) at which the latest bar is more than `reach` sessions back."""
        bars, sessions = rows.bars(kind), rows.panel.sessions
        everyone = np.arange(self.symbols) if ids is None else ids
        whole = bars.ends[everyone] - bars.starts[everyone] == len(sessions)
        gaps = everyone[~whole]
        latest = rows.seen_by(kind, gaps)
        found = np.where(
            latest >= bars.starts[gaps, None], rows.session_of(np.maximum(latest, 0)), -1
        )
        who, when = np.nonzero(rows.session_of_tick - found > reach)
        if reach:
            return when, gaps[who]
        # a symbol with a bar in every session has none of today before the close
        closes = np.array([session.close for session in sessions])
        before = np.flatnonzero(rows.ticks < closes[rows.session_of_tick])
        ticks, symbols = np.meshgrid(before, everyone[whole], indexing="ij")
        return np.concatenate([when, ticks.ravel()]), np.concatenate([gaps[who], symbols.ravel()])

    def _forget_old_values(
        self, rows: SessionRows, terms: Sequence[Term], ids: Ints | None
    ) -> None:
        silent: dict[str, Ints] = {}
        for term in terms:
            if term.carry is Carry.LAST_SESSION:
                if term.rows not in silent:
                    without = rows.silent(term.rows)
                    silent[term.rows] = without if ids is None else np.intersect1d(without, ids)
                self._carried[term.name][:, silent[term.rows]] = term.empty

    def _go(self, jobs: list[Job], ids: Ints | None) -> None:
        if ids is None:
            run_over_symbols(self.symbols, jobs)
            return
        for symbol in ids.tolist():
            for job in jobs:
                job(symbol, symbol + 1)

    def _job(
        self,
        term: Term,
        bars: Bars,
        inputs: tuple[Floats, ...],
        seen: Ints,
        outs: tuple[Floats, ...],
    ) -> Job:
        return kernel_job(
            term, bars, inputs, seen, self._states[term.name], self._carried[term.name], outs
        )

    def _unsampled_job(self, term: Term, bars: Bars, inputs: tuple[Floats, ...]) -> Job:
        outs = tuple(np.empty((0, self.symbols)) for _ in term.outputs)
        return self._job(term, bars, inputs, np.empty((self.symbols, 0), np.int64), outs)

    def _pick_job(
        self, term: Term, rows: SessionRows, seen: Ints, outs: tuple[Floats, ...], ids: Ints | None
    ) -> Job:
        """A term that starts anew at every session, over sessions of one bar each: every bar for itself."""
        bars, inputs, carried = rows.bars(term.rows), rows.inputs(term), self._carried[term.name]
        each = bars.rows_of(np.arange(self.symbols) if ids is None else ids)
        states, none = (
            np.zeros((len(each), max(1, term.state_size))),
            np.full((len(outs), len(each)), term.empty),
        )
        values = tuple(np.empty((1, len(each))) for _ in outs)
        scratch = tuple(np.empty(1) for _ in outs)
        term.kernel.over_symbols(
            0,
            len(each),
            each,
            each + 1,
            inputs,
            term.params,
            states,
            each[:, None],
            scratch,
            none,
            values,
        )
        made = tuple(np.empty(len(inputs[0])) for _ in outs)
        for column, value in zip(made, values, strict=True):
            column[each] = value[0]
        unused, longest = np.zeros((self.symbols, 1)), bars.longest

        def job(first: int, last: int) -> None:
            for number, column in enumerate(made):
                last_value.over_symbols(
                    first,
                    last,
                    bars.starts,
                    bars.ends,
                    (column,),
                    (),
                    unused,
                    seen,
                    (np.empty(longest),),
                    carried[number : number + 1],
                    (outs[number],),
                )

        return job


def windows_that_reach(terms: Sequence[Term]) -> dict[PastKey, list[Term]]:
    """The windows, lazy or not, that may have rows of sessions before their warm-up, by the past that they share."""
    found: dict[PastKey, list[Term]] = {}
    for term in terms:
        if term.reach_sessions:
            found.setdefault(past_key(term), []).append(term)
    return found


def _windows(terms: Sequence[Term]) -> dict[PastKey, list[Term]]:
    """The windows among the lazy terms, by the past that they share."""
    found: dict[PastKey, list[Term]] = {}
    for term in terms:
        if term.lazy and term.keeps_past:
            found.setdefault(past_key(term), []).append(term)
    return found


def _fill_tick_rows(rows: SessionRows, session_volume: Floats) -> Job:
    flat = rows.bars(TICKS).column("session_volume").reshape(len(rows.panel.table), len(rows.ticks))

    def job(first: int, last: int) -> None:
        flat[first:last] = session_volume[:, first:last].T

    return job
