"""The state of feature nodes, and the pass that carries it through a batch of sessions.

    1. `SessionRows` lays out what the nodes walk: bars by interval, daily bars, ticks.
    2. `FeatureState.run` makes one job a node, over those rows.
    3. `run_over_symbols` runs all jobs of a chunk of symbols while its bars are in the cache.
    4. `LazyColumns` holds the nodes that are computed only for the symbols that are read.

A kernel walks every bar and carries its state; only the rows that a tick sees are written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.compute.session_so_far import last_value
from engine.features.feature_node import BENCHMARK, TICKS, Carry, FeatureNode
from engine.features.lazy_columns import LazyColumns, States, fresh_states, kernel_job
from engine.features.past_rows import PastKey, PastRows, past_key
from engine.features.session_rows import SessionRows
from engine.panel.bars import Bars, Floats, Ints
from engine.panel.passes import Job, run_over_symbols

# sessions back that a value may be of; any number where not named
SESSIONS_BACK = {Carry.LAST_SESSION: 1, Carry.OF_SESSION: 0, Carry.EACH_SESSION: 0}
Columns = dict[str, Floats]  # name -> float64[ticks, symbols]


@dataclass(frozen=True)
class BatchFeatures:
    """What nodes have in a batch of sessions; valid as long as the batch's panel.

    columns  of the nodes that are not lazy: name -> float64[ticks, symbols]
    lazy     columns of lazy nodes, computed when read; None where there are none
    before   states before the batch: of lazy nodes, and of those that were named by `keep`
    """

    columns: Columns
    lazy: LazyColumns | None
    before: States


class FeatureState:
    """What nodes carry from session to session: states and last values of every symbol.

    begins  node over daily bars -> int64[symbols], the first row of its warm-up
    """

    def __init__(
        self, nodes: Sequence[FeatureNode], symbols: int, begins: Callable[[FeatureNode], Ints]
    ):
        self.symbols, self.begins = symbols, begins
        fresh = {
            node.name: fresh_states(node, symbols)
            for node in nodes
            if not (node.lazy and node.is_stateless)
        }
        self._states = {name: states for name, (states, _) in fresh.items()}
        self._carried = {name: carried for name, (_, carried) in fresh.items()}
        self._pasts = {
            key: PastRows.of(symbols, windows) for key, windows in _windows(nodes).items()
        }
        # rows that windows have walked of each symbol since they were fresh
        self._counts = {key: np.zeros(symbols, np.int64) for key in windows_that_reach(nodes)}

    def reset(self, node: FeatureNode, ids: Ints | slice) -> None:
        """Set the states of some symbols back to those before the first row."""
        if node.reach_sessions:
            self._counts[past_key(node)][ids] = 0
        if node.lazy and node.is_stateless:
            if node.keeps_past:
                self._pasts[past_key(node)].reset(ids)
            return
        self._states[node.name][ids] = 0.0
        self._carried[node.name][:, ids] = node.empty

    def rows_walked(self, key: PastKey) -> Ints:
        """int64[symbols]: how many rows the windows of a past have walked since they were fresh."""
        return self._counts[key]

    def take(
        self, other: FeatureState, nodes: Sequence[FeatureNode], ids: Ints, places: Ints
    ) -> None:
        """Copy states of windows of symbols from another state, where they are `places`."""
        for node in nodes:
            if not node.lazy:
                self._states[node.name][ids] = other._states[node.name][places]
                self._carried[node.name][:, ids] = other._carried[node.name][:, places]
        for key in _windows(nodes):
            self._pasts[key].take(other._pasts[key], ids, places)
        for key in windows_that_reach(nodes):
            self._counts[key][ids] = other._counts[key][places]

    def pick(self, nodes: Sequence[FeatureNode], before: States, ids: Ints | slice) -> FeatureState:
        """A copy for some symbols alone, with the states before the batch that was walked last."""
        picked = FeatureState([], self.symbols if isinstance(ids, slice) else len(ids), self.begins)
        for node in nodes:
            if not (node.lazy and node.is_stateless):
                states, carried = before[node.name]
                picked._states[node.name] = states[ids].copy()
                picked._carried[node.name] = np.ascontiguousarray(carried[:, ids]).copy()
        picked._pasts.update({key: self._pasts[key].pick(ids) for key in _windows(nodes)})
        return picked

    def run(
        self,
        rows: SessionRows,
        nodes: Sequence[FeatureNode],
        *,
        sample: bool,
        ids: Ints | None = None,
        keep: Collection[str] = (),
    ) -> BatchFeatures:
        """Walk nodes through a batch; with `sample`, return their columns at its ticks.

        ids   symbols to walk; None for all
        keep  names of nodes whose states before the batch are returned, beside those of lazy nodes
        """
        lazy, walked = (
            [node for node in nodes if node.lazy],
            [node for node in nodes if not node.lazy],
        )
        stateful = [node for node in lazy if not node.is_stateless]
        before = (
            self._before(rows, [node.name for node in stateful] + [*keep])
            if sample and ids is None
            else {}
        )
        jobs, columns = list[Job](), Columns()
        for node in walked:
            jobs += self._walk_and_sample(node, rows, columns, sample, ids)
        jobs += [self._walk_states(node, rows) for node in stateful]
        for key, windows in _windows(lazy).items():
            own = {
                name: rows.column(windows[0].rows, name) for node in windows for name in node.inputs
            }
            jobs += self._pasts[key].jobs(own, rows.bars(windows[0].rows), ids)
        self._go(jobs, ids)
        self._count_rows(rows, nodes, ids)
        if sample:
            self._hide_unknown(rows, walked, columns)
            self._hide_old(rows, walked, columns, ids)
        self._forget_old_values(rows, [*walked, *stateful], ids)
        unread = (
            LazyColumns(lazy, rows, before, self._pasts, self.begins) if sample and lazy else None
        )
        return BatchFeatures(columns, unread, before)

    def run_all(self, rows: SessionRows, nodes: Sequence[FeatureNode]) -> Columns:
        """The columns of all nodes, lazy ones among them, for all symbols."""
        nodes = [replace(node, lazy=node.lazy and node.is_stateless) for node in nodes]
        walked = self.run(rows, nodes, sample=True)
        return walked.columns | (walked.lazy.everything() if walked.lazy else {})

    def _count_rows(
        self, rows: SessionRows, nodes: Sequence[FeatureNode], ids: Ints | None
    ) -> None:
        which = slice(None) if ids is None else ids
        for key, windows in windows_that_reach(nodes).items():
            if key in self._counts:  # a bank that was picked has none: nobody asks it
                bars = rows.bars(windows[0].rows)
                self._counts[key][which] += (bars.ends - bars.starts)[which]

    def _before(self, rows: SessionRows, names: Sequence[str]) -> States:
        """Copies of the current states and last values of nodes."""
        found = {}
        for name in dict.fromkeys(names):
            now = self._states[name], self._carried[name]
            found[name] = rows.buffers.empty(now[0].shape), rows.buffers.empty(now[1].shape)
            for copy, values in zip(found[name], now, strict=True):
                np.copyto(copy, values)
        return found

    def _walk_and_sample(
        self, node: FeatureNode, rows: SessionRows, columns: Columns, sample: bool, ids: Ints | None
    ) -> list[Job]:
        """The jobs that walk a node through a batch and fill its columns, added to `columns`.

        Nodes over ticks need ticks, and session_volume at them, even where nothing is sampled.
        """
        if node.carry is Carry.EACH_SESSION:
            self.reset(node, slice(None))
        elif node.carry is Carry.OF_SESSION:
            self._carried[node.name][:] = node.empty
        jobs = list[Job]()
        at_ticks = sample or node.rows == TICKS or node.name == "session_volume"
        seen = rows.seen(node.rows, jobs) if at_ticks else np.empty((self.symbols, 0), np.int64)
        out = {name: rows.buffers.empty((seen.shape[1], self.symbols)) for name in node.outputs}
        columns |= out
        outs = tuple(out.values())
        if node.rows == TICKS:
            jobs.append(_fill_tick_rows(rows, columns["session_volume"]))
        if node.carry is Carry.EACH_SESSION and len(rows.panel.sessions) > 1:
            jobs.append(self._pick_job(node, rows, seen, outs, ids))
        else:
            jobs.append(self._job(node, rows.bars(node.rows), rows.inputs(node), seen, outs))
        return jobs

    def _walk_states(self, node: FeatureNode, rows: SessionRows) -> Job:
        """The job that carries a node's state through a batch without sampling it."""
        if node.carry is Carry.OF_SESSION:
            self._carried[node.name][:] = node.empty
        return self._unsampled_job(node, rows.bars(node.rows), rows.inputs(node))

    def walk(
        self,
        nodes: Sequence[tuple[FeatureNode, Bars]],
        benchmark: int = -1,
        ids: Ints | None = None,
    ) -> None:
        """Carry the states of nodes through bars before the current session, without columns."""
        jobs = []
        for node, bars in nodes:
            inputs = tuple(
                bars.latest_of(benchmark) if name == BENCHMARK else bars.column(name)
                for name in node.inputs
            )
            jobs.append(self._unsampled_job(node, bars, inputs))
        if jobs:
            self._go(jobs, ids)

    def _hide_unknown(
        self, rows: SessionRows, nodes: Sequence[FeatureNode], columns: Columns
    ) -> None:
        for node in nodes:
            if node.known_after:
                early = rows.before_known(node)
                for name in node.outputs:
                    columns[name][early] = node.empty

    def _hide_old(
        self, rows: SessionRows, nodes: Sequence[FeatureNode], columns: Columns, ids: Ints | None
    ) -> None:
        """Hide values of sessions of the batch that are older than a node may carry them."""
        if len(rows.panel.sessions) == 1:
            return
        old: dict[int, tuple[Ints, Ints]] = {}
        for node in nodes:
            reach = SESSIONS_BACK.get(node.carry)
            if reach is not None:
                if reach not in old:
                    old[reach] = self._older(rows, node.rows, reach, ids)
                for name in node.outputs:
                    columns[name][old[reach]] = node.empty

    def _older(
        self, rows: SessionRows, kind: str, reach: int, ids: Ints | None
    ) -> tuple[Ints, Ints]:
        """(tick ids, symbol ids) at which the latest bar is more than `reach` sessions back."""
        bars, sessions = rows.bars(kind), rows.panel.sessions
        everyone = np.arange(self.symbols) if ids is None else ids
        whole = bars.ends[everyone] - bars.starts[everyone] == len(sessions)
        gaps = everyone[~whole]
        latest = rows.seen_by(kind, gaps)
        found = np.where(
            latest >= bars.starts[gaps, None], rows.session_of(np.maximum(latest, 0)), -1
        )
        places, tick_ids = np.nonzero(rows.session_of_tick - found > reach)
        if reach:
            return tick_ids, gaps[places]
        # a symbol with a bar in every session has none of today before the close
        closes = np.array([session.close for session in sessions])
        before = np.flatnonzero(rows.ticks < closes[rows.session_of_tick])
        ticks, symbols = np.meshgrid(before, everyone[whole], indexing="ij")
        return np.concatenate([tick_ids, ticks.ravel()]), np.concatenate(
            [gaps[places], symbols.ravel()]
        )

    def _forget_old_values(
        self, rows: SessionRows, nodes: Sequence[FeatureNode], ids: Ints | None
    ) -> None:
        silent: dict[str, Ints] = {}
        for node in nodes:
            if node.carry is Carry.LAST_SESSION:
                if node.rows not in silent:
                    without = rows.silent(node.rows)
                    silent[node.rows] = without if ids is None else np.intersect1d(without, ids)
                self._carried[node.name][:, silent[node.rows]] = node.empty

    def _go(self, jobs: list[Job], ids: Ints | None) -> None:
        if ids is None:
            run_over_symbols(self.symbols, jobs)
            return
        for symbol in ids.tolist():
            for job in jobs:
                job(symbol, symbol + 1)

    def _job(
        self,
        node: FeatureNode,
        bars: Bars,
        inputs: tuple[Floats, ...],
        seen: Ints,
        outs: tuple[Floats, ...],
    ) -> Job:
        return kernel_job(
            node, bars, inputs, seen, self._states[node.name], self._carried[node.name], outs
        )

    def _unsampled_job(self, node: FeatureNode, bars: Bars, inputs: tuple[Floats, ...]) -> Job:
        outs = tuple(np.empty((0, self.symbols)) for _ in node.outputs)
        return self._job(node, bars, inputs, np.empty((self.symbols, 0), np.int64), outs)

    def _pick_job(
        self,
        node: FeatureNode,
        rows: SessionRows,
        seen: Ints,
        outs: tuple[Floats, ...],
        ids: Ints | None,
    ) -> Job:
        """The job of a node that starts anew at every session, over sessions of one bar each.

        Every bar is computed as a session of its own; the job then samples the values at the ticks.
        """
        bars, inputs, carried = rows.bars(node.rows), rows.inputs(node), self._carried[node.name]
        row_ids = bars.rows_of(np.arange(self.symbols) if ids is None else ids)
        made = _compute_bars(node, inputs, row_ids)
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


def windows_that_reach(nodes: Sequence[FeatureNode]) -> dict[PastKey, list[FeatureNode]]:
    """Windows that may read sessions before their warm-up (`reach_sessions`), by shared past."""
    found: dict[PastKey, list[FeatureNode]] = {}
    for node in nodes:
        if node.reach_sessions:
            found.setdefault(past_key(node), []).append(node)
    return found


def _compute_bars(
    node: FeatureNode, inputs: tuple[Floats, ...], row_ids: Ints
) -> tuple[Floats, ...]:
    """Each of these bars as a session of its own: float64[bars] an output, the other bars unset."""
    count, outputs = len(row_ids), len(node.outputs)
    states = np.zeros((count, max(1, node.state_size)))
    carried = np.full((outputs, count), node.empty)
    scratch = tuple(np.empty(1) for _ in range(outputs))
    values = tuple(np.empty((1, count)) for _ in range(outputs))
    starts, ends, seen = row_ids, row_ids + 1, row_ids[:, None]
    node.kernel.over_symbols(
        0, count, starts, ends, inputs, node.params, states, seen, scratch, carried, values
    )
    made = tuple(np.empty(len(inputs[0])) for _ in range(outputs))
    for column, value in zip(made, values, strict=True):
        column[row_ids] = value[0]
    return made


def _windows(nodes: Sequence[FeatureNode]) -> dict[PastKey, list[FeatureNode]]:
    """The lazy windows among the nodes, grouped by the past rows that they share."""
    found: dict[PastKey, list[FeatureNode]] = {}
    for node in nodes:
        if node.lazy and node.keeps_past:
            found.setdefault(past_key(node), []).append(node)
    return found


def _fill_tick_rows(rows: SessionRows, session_volume: Floats) -> Job:
    flat = rows.bars(TICKS).column("session_volume").reshape(len(rows.panel.table), len(rows.ticks))

    def job(first: int, last: int) -> None:
        flat[first:last] = session_volume[:, first:last].T

    return job
