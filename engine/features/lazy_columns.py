"""Lazy columns: computed for a symbol when a clause or a feature reads them.

Most columns are read for the few symbols that passed the first clauses. A node that starts anew at
every session needs the session's bars alone; a window needs those and the rows just before (see
past_rows.py). So nothing is computed for symbols that are not read. Other nodes walk every session
to carry their states; their columns are sampled from the states before the session.

In a batch of daily sessions only windows are lazy: the rows before lie beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.compute.join_rows import join_rows
from engine.features.feature_node import Carry, FeatureNode
from engine.features.past_rows import PastKey, PastRows, past_key
from engine.features.session_rows import SessionRows
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.passes import Job, run_over_symbols

MOST = 0.5  # share of the symbols from which on columns are computed for all
# node name -> states, float64[symbols, size], and last values, float64[outputs, symbols]
States = Mapping[str, tuple[Floats, Floats]]


@dataclass
class LaidOutRows:
    """The rows that nodes walk, for the requested symbols.

    starts, ends  int64[requested symbols]: a symbol's slice of the columns
    rows          int64[requested symbols, ticks]: the row that each tick sees
    column        name -> float64[rows], filled by `jobs`
    """

    starts: Ints
    ends: Ints
    rows: Ints
    column: Callable[[str], Floats]
    jobs: list[Job] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """The largest number of rows of a symbol."""
        return int((self.ends - self.starts).max(initial=0))

    def after(self, past: PastRows, ids: Ints) -> LaidOutRows:
        """The same with the past rows of each symbol before them; `ids` are the symbols."""
        before = past.counts[ids]
        ends = np.cumsum(before + self.ends - self.starts)
        starts = ends - (before + self.ends - self.starts)
        firsts, jobs, made = (ids + 1) * past.size - before, list[Job](), dict[str, Floats]()

        def joined(name: str) -> Floats:
            if name not in made:
                values, session = (
                    past.room(name, int(before.sum() + (self.ends - self.starts).sum())),
                    self.column(name),
                )

                def join(first: int, last: int) -> None:
                    one = slice(first, last)
                    join_rows(
                        firsts[one],
                        (firsts + before)[one],
                        starts[one],
                        past.values[name].reshape(-1),
                        values,
                    )
                    join_rows(
                        self.starts[one], self.ends[one], (starts + before)[one], session, values
                    )

                jobs.append(join)
                made[name] = values[:]
                # kernels are compiled for arrays that are writeable, or for those that are not
                made[name].flags.writeable = session.flags.writeable
            return made[name]

        # a tick before the session's first bar sees the last row before it
        return LaidOutRows(
            starts, ends, self.rows + (starts + before - self.starts)[:, None], joined, jobs
        )


@dataclass
class Sampled:
    """Columns of the symbols that a node was computed for.

    places   int64[symbols]: index of a symbol in the columns, -1 where it was not computed
    columns  output -> float64[ticks, computed symbols]
    whole    whether they are all symbols, in order
    """

    places: Ints
    columns: dict[str, Floats]
    whole: bool


@dataclass
class LazyColumns:
    """The lazy nodes of a batch; valid until the next batch.

    rows    what the nodes walk
    before  of nodes that carry a state: states and last values before the batch
    pasts   past rows that windows read
    begins  node over daily bars -> int64[symbols], the first row of its warm-up
    """

    nodes: Sequence[FeatureNode]
    rows: SessionRows
    before: States
    pasts: Mapping[PastKey, PastRows]
    begins: Callable[[FeatureNode], Ints]
    _made: dict[str, Sampled] = field(default_factory=dict)  # by node

    def __post_init__(self) -> None:
        self.symbols = len(self.rows.panel.table)
        self._by_output = {output: node for node in self.nodes for output in node.outputs}

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_output)

    def __contains__(self, name: str) -> bool:
        return name in self._by_output

    def of_ticks(self, first: int, last: int) -> LazyView:
        """The columns at some of the ticks."""
        return LazyView(self, slice(first, last))

    def some(self, name: str, symbols: Ints) -> tuple[Floats, Ints]:
        """An output for these symbol ids at least.

        Returns float64[ticks, computed symbols], and int64[symbols]: each symbol's index in it.
        """
        made = self.fill([name], symbols)[self._by_output[name].name]
        return made.columns[name], made.places

    def whole(self, name: str) -> Floats:
        """float64[ticks, symbols] of an output."""
        values, places = self.some(name, np.arange(self.symbols))
        return values if self.is_whole(name) else values[:, places]

    def is_whole(self, name: str) -> bool:
        """Whether an output is computed for all symbols, in order."""
        made = self._made.get(self._by_output[name].name)
        return made is not None and made.whole

    def everything(self) -> dict[str, Floats]:
        """All outputs for all symbols: name -> float64[ticks, symbols]."""
        self.fill(self._by_output, np.arange(self.symbols))
        return {name: self.whole(name) for name in self._by_output}

    def fill(self, names: Iterable[str], symbols: Ints) -> dict[str, Sampled]:
        """Compute outputs for these symbols where missing; node name -> its columns."""
        return self.fill_each(
            {self._by_output[name].name: symbols for name in names if name in self._by_output}
        )

    def fill_each(self, asked: Mapping[str, Ints]) -> dict[str, Sampled]:
        """As `fill`, for node name -> symbol ids."""
        missing: dict[bytes, tuple[Ints, list[FeatureNode]]] = {}
        for node in self.nodes:
            if node.name in asked:
                ids = self._missing(node, asked[node.name])
                if len(ids) or node.name not in self._made:
                    missing.setdefault(ids.tobytes(), (ids, []))[1].append(node)
        for ids, alike in missing.values():
            self._compute(alike, ids)
        return {name: self._made[name] for name in asked}

    @property
    def asked(self) -> dict[str, Ints]:
        """Node name -> ids of the symbols it was computed for; all ids where these are most."""
        found = {name: np.flatnonzero(made.places >= 0) for name, made in self._made.items()}
        return {
            name: ids if len(ids) < MOST * self.symbols else np.arange(self.symbols)
            for name, ids in found.items()
        }

    def renew(self, symbols: Ints, first: int) -> None:
        """After a split: compute these symbols once more, and replace the values from a tick on."""
        made = self.fill(self, symbols)
        self._made.clear()
        for name, new in self.fill(self, symbols).items():
            for output, values in made[name].columns.items():
                values[first:, made[name].places[symbols]] = new.columns[output][
                    first:, new.places[symbols]
                ]
        self._made.update(made)

    def _missing(self, node: FeatureNode, symbols: Ints) -> Ints:
        """Those of the symbol ids that a node was not computed for, increasing."""
        made = self._made.get(node.name)
        if made and (made.places[symbols] >= 0).all():
            return symbols[:0]
        asked = np.zeros(self.symbols, np.bool_)
        asked[symbols] = True
        if made:
            asked &= made.places < 0
        return np.flatnonzero(asked)

    def _compute(self, nodes: Sequence[FeatureNode], ids: Ints) -> None:
        """Compute nodes for some symbols: lay out their rows, walk them, keep the columns."""
        laid: dict[tuple[str, PastKey | None, int], LaidOutRows] = {}
        rows: dict[str, Ints] = {}
        jobs: list[Job] = []
        made: list[tuple[FeatureNode, list[Floats]]] = []
        for node in nodes:
            kind = self.rows.kind(node.rows)
            place = (
                kind,
                past_key(node) if node.is_window else None,
                node.window if node.looks_back else 0,
            )
            if place not in laid:
                if kind not in rows:
                    rows[kind] = self.rows.seen_by(node.rows, ids)
                laid[place] = self._lay_out(node, ids, rows[kind])
            outs = [
                self.rows.buffers.empty((laid[place].rows.shape[1], len(ids))) for _ in node.outputs
            ]
            inputs = tuple(laid[place].column(name) for name in node.inputs)
            jobs.append(
                kernel_job(
                    node,
                    laid[place],
                    inputs,
                    laid[place].rows,
                    *self._before(node, ids),
                    tuple(outs),
                )
            )
            made.append((node, outs))
        run_over_symbols(len(ids), [job for one in laid.values() for job in one.jobs] + jobs)
        places = np.full(self.symbols, -1)
        places[ids] = np.arange(len(ids))
        for node, outs in made:
            for values in outs:
                if node.known_after:
                    values[self.rows.before_known(node)] = node.empty
            self._keep(
                node,
                Sampled(
                    places, dict(zip(node.outputs, outs, strict=True)), len(ids) == self.symbols
                ),
            )

    def _before(self, node: FeatureNode, ids: Ints) -> tuple[Floats, Floats]:
        """States and last values of some symbols before the batch."""
        if node.is_stateless:
            return fresh_states(node, len(ids))
        states, carried = self.before[node.name]
        own = (
            fresh_states(node, len(ids))[1]
            if node.carry is Carry.OF_SESSION
            else np.ascontiguousarray(carried[:, ids])
        )
        return states[ids], own

    def _keep(self, node: FeatureNode, new: Sampled) -> None:
        """Add the columns of further symbols to those that a node has."""
        old = self._made.get(node.name)
        if old is not None:
            first = next(iter(old.columns.values())).shape[1]
            places = np.where(new.places < 0, old.places, new.places + first)
            new = Sampled(
                places,
                {
                    name: np.hstack([old.columns[name], values])
                    for name, values in new.columns.items()
                },
                False,
            )
        self._made[node.name] = new

    def _lay_out(self, node: FeatureNode, ids: Ints, rows: Ints) -> LaidOutRows:
        """The rows that a node walks for some symbols, past rows included."""
        bars = self.rows.bars(node.rows)
        starts = bars.starts
        if node.looks_back:
            starts = np.maximum(self.begins(node), starts - node.window)
        session = LaidOutRows(
            starts[ids], bars.ends[ids], rows, lambda name: self.rows.column(node.rows, name)
        )
        return session.after(self.pasts[past_key(node)], ids) if node.keeps_past else session


@dataclass(frozen=True)
class LazyView:
    """Lazy columns at the ticks of one session of a batch.

    Where one session reads some symbols, columns are computed for all: other sessions read others.
    """

    whole_batch: LazyColumns
    ticks: slice

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole_batch)

    def __contains__(self, name: str) -> bool:
        return name in self.whole_batch

    def some(self, name: str, symbols: Ints) -> tuple[Floats, Ints]:
        """As `LazyColumns.some`."""
        values, places = self.whole_batch.some(name, self._everybody)
        return values[self.ticks], places

    def whole(self, name: str) -> Floats:
        """As `LazyColumns.whole`."""
        return self.whole_batch.whole(name)[self.ticks]

    def is_whole(self, name: str) -> bool:
        """As `LazyColumns.is_whole`."""
        return self.whole_batch.is_whole(name)

    def fill(self, names: Iterable[str], symbols: Ints) -> object:
        """As `LazyColumns.fill`."""
        return self.whole_batch.fill(names, self._everybody)

    def of_ticks(self, first: int, last: int) -> LazyView:
        """The columns at some of this session's ticks."""
        return LazyView(self.whole_batch, slice(self.ticks.start + first, self.ticks.start + last))

    @property
    def _everybody(self) -> Ints:
        return np.arange(self.whole_batch.symbols)


def fresh_states(node: FeatureNode, symbols: int) -> tuple[Floats, Floats]:
    """States and last values before the first row: [symbols, size] and [outputs, symbols]."""
    return np.zeros((symbols, max(1, node.state_size))), np.full(
        (len(node.outputs), symbols), node.empty
    )


def kernel_job(
    node: FeatureNode,
    laid: Bars | LaidOutRows,
    inputs: tuple[Floats, ...],
    rows: Ints,
    states: Floats,
    carried: Floats,
    outs: tuple[Floats, ...],
) -> Job:
    """The job that walks a node over bars and samples it at `rows` (see `_over_symbols`)."""
    starts, ends, longest = laid.starts, laid.ends, laid.longest

    def job(first: int, last: int) -> None:
        scratch = tuple(np.empty(longest) for _ in outs)
        node.kernel.over_symbols(
            first, last, starts, ends, inputs, node.params, states, rows, scratch, carried, outs
        )

    return job
