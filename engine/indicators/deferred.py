"""Columns that are computed for a symbol when somebody asks for it.

Most criteria are read for the few symbols that the first ones left. A term that starts anew at every session needs nothing
but the session's bars, and a window those and the rows just before (see past): what nobody reads is never computed. Other terms
are walked, for their states; their columns are sampled from the states before the session.

Of a stretch of daily bars windows alone wait: the rows before lie beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from engine.indicators.past import PastKey, PastRows, past_key
from engine.indicators.term import Term
from engine.kernels.join_rows import join_rows
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.passes import Job, run_over_symbols
from engine.runtime.reuse import reused

MOST = 0.5  # of the symbols: then columns are computed for all


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
                values, session = past.room(name, int(before.sum() + (self.ends - self.starts).sum())), self.column(name)

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
class Sampled:
    """Columns of some symbols.

    places   int64[symbols], where in the columns each is; -1 for those that were not asked for
    columns  output -> float64[ticks, asked]
    whole    whether they are of all symbols, in their order
    """

    places: Ints
    columns: dict[str, Floats]
    whole: bool


@dataclass
class Deferred:
    """The terms of one session that wait to be asked for; valid until the next session is walked.

    symbols  how many there are
    bars_of  term -> the session's bars that it walks, and their columns by name
    rows_of  (bars, ids) -> int64[ids, ticks], the latest bar at each tick
    before   (term, ids) -> states and last values before the session
    early    term -> the ticks at which it has no value yet
    pasts    the rows before the session that windows reach back over
    begins   term over daily bars, which lie after those of its warm-up -> int64[symbols], the first row of that
    """

    terms: Sequence[Term]
    symbols: int
    bars_of: Callable[[Term], tuple[Bars, Callable[[str], Floats]]]
    rows_of: Callable[[Bars, Ints], Ints]
    before: Callable[[Term, Ints], tuple[Floats, Floats]]
    early: Callable[[Term], NDArray[np.bool_]]
    pasts: Mapping[PastKey, PastRows]
    begins: Callable[[Term], Ints] | None = None
    _made: dict[str, Sampled] = field(default_factory=dict)  # by term

    def __post_init__(self) -> None:
        self._by_output = {output: term for term in self.terms for output in term.outputs}

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_output)

    def __contains__(self, name: str) -> bool:
        return name in self._by_output

    def close(self) -> None:
        """Let go of the session's bars, and of the states before it: it is over."""
        self.bars_of = self.rows_of = self.before = self.early = self.begins = _is_over

    def some(self, name: str, symbols: Ints) -> tuple[Floats, Ints]:
        """An output for these symbols (ids) at least: float64[ticks, places], and the place of each symbol there is."""
        made = self.fill([name], symbols)[self._by_output[name].name]
        return made.columns[name], made.places

    def whole(self, name: str) -> Floats:
        """float64[ticks, symbols] of an output."""
        values, places = self.some(name, np.arange(self.symbols))
        return values if self.is_whole(name) else values[:, places]

    def is_whole(self, name: str) -> bool:
        """Whether an output is there for all symbols, in their order."""
        made = self._made.get(self._by_output[name].name)
        return made is not None and made.whole

    def everything(self) -> dict[str, Floats]:
        """All outputs of all symbols."""
        self.fill(self._by_output, np.arange(self.symbols))
        return {name: self.whole(name) for name in self._by_output}

    def fill(self, names: Iterable[str], symbols: Ints) -> dict[str, Sampled]:
        """Compute outputs of these symbols where that was not done; what there is of each term."""
        return self.fill_each({self._by_output[name].name: symbols for name in names if name in self._by_output})

    def fill_each(self, asked: Mapping[str, Ints]) -> dict[str, Sampled]:
        """The same with symbols for each term, by its name."""
        missing: dict[bytes, tuple[Ints, list[Term]]] = {}
        for term in self.terms:
            if term.name in asked:
                ids = self._missing(term, asked[term.name])
                if len(ids) or term.name not in self._made:
                    missing.setdefault(ids.tobytes(), (ids, []))[1].append(term)
        for ids, alike in missing.values():
            self._compute(alike, ids)
        return {name: self._made[name] for name in asked}

    @property
    def asked(self) -> dict[str, Ints]:
        """The symbols for which each term was computed, by its name; all, where that was most of them."""
        found = {name: np.flatnonzero(made.places >= 0) for name, made in self._made.items()}
        return {name: ids if len(ids) < MOST * self.symbols else np.arange(self.symbols) for name, ids in found.items()}

    def renew(self, symbols: Ints, first: int) -> None:
        """Compute all outputs of these symbols once more, as their bars have changed: what there is from a tick on is other."""
        made, self._made = self.fill(self, symbols), {}
        for name, new in self.fill(self, symbols).items():
            for output, values in made[name].columns.items():
                values[first:, made[name].places[symbols]] = new.columns[output][first:, new.places[symbols]]
        self._made = made

    def _missing(self, term: Term, symbols: Ints) -> Ints:
        """Those of the symbols for which a term was not computed, each once."""
        made = self._made.get(term.name)
        if made and (made.places[symbols] >= 0).all():
            return symbols[:0]
        asked = np.zeros(self.symbols, np.bool_)
        asked[symbols] = True
        if made:
            asked &= made.places < 0
        return np.flatnonzero(asked)

    def _compute(self, terms: Sequence[Term], ids: Ints) -> None:
        laid: dict[tuple[int, PastKey | None, int], Laid] = {}
        rows: dict[int, Ints] = {}  # by the bars that they are of
        jobs: list[Job] = []
        made: list[tuple[Term, list[Floats]]] = []
        for term in terms:
            bars, column = self.bars_of(term)
            place = id(bars), past_key(term) if term.is_window else None, term.window if term.looks_back else 0
            if place not in laid:
                if id(bars) not in rows:
                    rows[id(bars)] = self.rows_of(bars, ids)
                laid[place] = self._lay_out(term, bars, column, ids, rows[id(bars)])
            outs = [reused.empty((laid[place].rows.shape[1], len(ids))) for _ in term.outputs]
            inputs = tuple(laid[place].column(name) for name in term.inputs)
            jobs.append(kernel_job(term, laid[place], inputs, laid[place].rows, *self.before(term, ids), tuple(outs)))
            made.append((term, outs))
        run_over_symbols(len(ids), [job for one in laid.values() for job in one.jobs] + jobs)
        places = np.full(self.symbols, -1)
        places[ids] = np.arange(len(ids))
        for term, outs in made:
            for values in outs:
                if term.known_after:
                    values[self.early(term)] = term.empty
            self._keep(term, Sampled(places, dict(zip(term.outputs, outs, strict=True)), len(ids) == self.symbols))

    def _keep(self, term: Term, new: Sampled) -> None:
        old = self._made.get(term.name)
        if old is not None:
            first = next(iter(old.columns.values())).shape[1]
            places = np.where(new.places < 0, old.places, new.places + first)
            new = Sampled(places, {name: np.hstack([old.columns[name], values]) for name, values in new.columns.items()}, False)
        self._made[term.name] = new

    def _lay_out(self, term: Term, bars: Bars, column: Callable[[str], Floats], ids: Ints, rows: Ints) -> Laid:
        starts = bars.starts
        if term.looks_back:
            assert self.begins is not None
            starts = np.maximum(self.begins(term), starts - term.window)
        session = Laid(starts[ids], bars.ends[ids], rows, column)
        return session.after(self.pasts[past_key(term)], ids) if term.keeps_past else session


def _is_over(*asked: object) -> NoReturn:
    raise RuntimeError("the session is over")


def kernel_job(
    term: Term, laid: Bars | Laid, inputs: tuple[Floats, ...], rows: Ints, states: Floats, carried: Floats, outs: tuple[Floats, ...]
) -> Job:
    """The job that walks a term over laid out rows and samples it at `rows`; see the kernels' over_symbols."""
    starts, ends, longest = laid.starts, laid.ends, laid.longest

    def job(first: int, last: int) -> None:
        scratch = tuple(np.empty(longest) for _ in outs)
        term.kernel.over_symbols(first, last, starts, ends, inputs, term.params, states, rows, scratch, carried, outs)

    return job
