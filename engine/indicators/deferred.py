"""Columns that are computed for a symbol when somebody asks for it.

Most criteria are read for the few symbols that the first ones left. A term that starts anew at every session needs nothing
but the session's bars, and a window those and the rows just before (see past): what nobody reads is never computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from engine.indicators.past import PastKey, PastRows, past_key
from engine.indicators.term import Term
from engine.kernels.join_rows import join_rows, spread_columns
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.passes import Job, run_over_symbols

NO_TICKS = np.empty(0, np.int64)


@dataclass
class Laid:
    """The rows that terms walk, of the symbols that were asked for.

    starts, ends  int64[asked], slices of the columns
    rows          int64[asked, ticks], the row that each tick sees
    column        name -> float64 over the rows; there once the jobs are done
    """

    starts: Ints
    ends: Ints
    rows: Ints
    column: Callable[[str], Floats]
    jobs: list[Job] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """The most rows a symbol has."""
        return int((self.ends - self.starts).max(initial=0))

    def after(self, past: PastRows, ids: Ints) -> Laid:
        """The same with the rows before the session, symbol by symbol; `ids` are the symbols."""
        before = past.counts[ids]
        ends = np.cumsum(before + self.ends - self.starts)
        starts = ends - (before + self.ends - self.starts)
        firsts, jobs, made = (ids + 1) * past.size - before, list[Job](), dict[str, Floats]()

        def joined(name: str) -> Floats:
            if name not in made:
                values, session = np.empty(int(ends[-1])), self.column(name)

                def join(first: int, last: int) -> None:
                    one = slice(first, last)
                    join_rows(firsts[one], (firsts + before)[one], starts[one], past.values[name].reshape(-1), values)
                    join_rows(self.starts[one], self.ends[one], (starts + before)[one], session, values)

                jobs.append(join)
                made[name] = values[:]
                made[name].flags.writeable = session.flags.writeable  # kernels are compiled for the one or the other
            return made[name]

        # a tick before the session's first bar sees the last row before it
        return Laid(starts, ends, self.rows + (starts + before - self.starts)[:, None], joined, jobs)


@dataclass
class Deferred:
    """The terms of one session that wait to be asked for; valid until the next session is walked.

    bars_of  term -> the session's bars that it walks, and their columns by name
    rows_of  (bars, ids) -> int64[ids, ticks], the latest bar at each tick
    early    term -> the ticks at which it has no value yet
    out      output -> float64[ticks, symbols], to be written to
    """

    terms: Sequence[Term]
    bars_of: Callable[[Term], tuple[Bars, Callable[[str], Floats]]]
    rows_of: Callable[[Bars, Ints], Ints]
    early: Callable[[Term], NDArray[np.bool_]]
    pasts: Mapping[PastKey, PastRows]
    out: Mapping[str, Floats]
    _known: dict[str, NDArray[np.bool_]] = field(default_factory=dict)  # by term: the symbols that were computed
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self._by_output = {output: term for term in self.terms for output in term.outputs}

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_output)

    def __contains__(self, name: str) -> bool:
        return name in self._by_output

    def close(self) -> None:
        """Let go of the session's bars: it is over."""
        self.bars_of = self.rows_of = _is_over

    def values(self, name: str, symbols: Ints | None = None) -> Floats:
        """float64[ticks, symbols] of an output, computed for these symbols (ids) or for all."""
        self.fill([name], symbols)
        return self.out[name]

    def everything(self) -> dict[str, Floats]:
        """All outputs of all symbols."""
        self.fill(self._by_output)
        return {name: self.out[name] for name in self._by_output}

    def fill(self, names: Iterable[str], symbols: Ints | None = None) -> None:
        """Compute outputs of these symbols, or of all, where that was not done."""
        terms = list({term.name: term for name in names if (term := self._by_output.get(name))}.values())
        with self._lock:  # ticks of a session may be evaluated by several threads
            missing = self._missing(terms, symbols)
            if len(missing):
                self._compute(terms, missing)

    def _missing(self, terms: Sequence[Term], symbols: Ints | None) -> Ints:
        """The symbols of which any of the terms was not computed."""
        missing = np.zeros(0, np.bool_)
        for term in terms:
            known = self._known.setdefault(term.name, np.zeros(self.out[term.outputs[0]].shape[1], np.bool_))
            missing = ~known if not len(missing) else missing | ~known
        if symbols is None or not len(missing):
            return np.flatnonzero(missing)
        return np.unique(symbols[missing[symbols]])

    def _compute(self, terms: Sequence[Term], ids: Ints) -> None:
        laid: dict[tuple[int, PastKey | None], Laid] = {}
        jobs: list[Job] = []
        for term in terms:
            bars, column = self.bars_of(term)
            place = id(bars), past_key(term) if term.window else None
            if place not in laid:
                laid[place] = self._lay_out(bars, column, ids, self.pasts[past_key(term)] if term.window else None)
            jobs += self._jobs(term, laid[place], ids)
        run_over_symbols(len(ids), [job for one in laid.values() for job in one.jobs] + jobs)
        for term in terms:
            self._known[term.name][ids] = True

    def _lay_out(self, bars: Bars, column: Callable[[str], Floats], ids: Ints, past: PastRows | None) -> Laid:
        session = Laid(bars.starts[ids], bars.ends[ids], self.rows_of(bars, ids), column)
        return session if past is None else session.after(past, ids)

    def _jobs(self, term: Term, laid: Laid, ids: Ints) -> list[Job]:
        early = np.flatnonzero(self.early(term)) if term.known_after else NO_TICKS
        outs = tuple(np.empty((laid.rows.shape[1], len(ids))) for _ in term.outputs)
        own = [(values, self.out[name]) for values, name in zip(outs, term.outputs, strict=True)]

        def spread(first: int, last: int) -> None:
            for values, out in own:
                values[early, first:last] = term.empty
                spread_columns(first, last, values, ids, out)

        return [_job(term, laid, outs), spread]


def _is_over(*asked: object) -> NoReturn:
    raise RuntimeError("the session is over")


def _job(term: Term, laid: Laid, outs: tuple[Floats, ...]) -> Job:
    inputs = tuple(laid.column(name) for name in term.inputs)
    states, longest = np.zeros((len(laid.starts), max(1, term.state_size))), laid.longest
    none = np.full((len(outs), len(laid.starts)), term.empty)

    def job(first: int, last: int) -> None:
        scratch = tuple(np.empty(longest) for _ in outs)
        term.kernel.over_symbols(
            first, last, laid.starts, laid.ends, inputs, term.params, states, laid.rows, scratch, none, outs
        )  # fmt: skip

    return job
