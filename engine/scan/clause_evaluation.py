"""A columnar scanner over one session: all its ticks and symbols, clause by clause on what is left.

1. `_Rows`     the rows: every tick of the scanner with every member of its universe
2. `filter`    clauses that a small machine knows, which most are, straight from the columns; first
               those that read what is there for every symbol, then those for which columns are
               computed for the symbols that are left
3. `pass_on`   others each in turn by Polars over all rows while many are in; a clause that compares
               symbols of a tick is evaluated on all rows first
4. `values`    once few rows are left, the other clauses and the features on them together, numbers
               by the machine; the funnel is counted as if in turn
5. `_ranked`   the best `limit` of each tick
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import takewhile
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.compute.rank_rows import order_rows
from engine.panel.bars import Floats, Ints
from engine.runtime.buffers import Buffers
from engine.scan.cross_section import CrossSection
from engine.scan.filter_grid import Column, Grid, compute_rows, filter_rows, rank_rows
from engine.scan.filter_program import Rank
from engine.scan.scan_plan import Clause, ScanPlan
from engine.scan.session_hits import Counts, SessionHits, join_hits

PICK_BELOW = (
    0.25  # share of rows below which picking them out is cheaper than carrying the others along
)
Bools = NDArray[np.bool_]
Rows = TypeVar("Rows", pl.DataFrame, pl.Series)


def evaluate(plan: ScanPlan, cross: CrossSection, ticks: Ints, members: Ints) -> SessionHits:
    """Scan `ticks` (indices of the cross-section's ticks) over `members` (ids, sorted)."""
    if plan.session_at_once:
        hits = _evaluate_rows(plan, cross, ticks, members)
    else:
        found = [
            _evaluate_rows(plan, cross, ticks[i : i + 1], members)
            for i in range(max(1, len(ticks)))
        ]
        hits = join_hits(found, len(members))
    return hits if plan.session_limit is None else _first_symbols(hits, plan.session_limit)


def _evaluate_rows(plan: ScanPlan, cross: CrossSection, ticks: Ints, members: Ints) -> SessionHits:
    by_polars = [
        part for part in plan.parts if not (part.elementwise or part.steps or part.value_steps)
    ]
    with cross.buffers.scope() as buffers:
        return _evaluate(plan, _Rows(cross, ticks, members, by_polars, buffers))


def _evaluate(plan: ScanPlan, rows: _Rows) -> SessionHits:
    funnel: dict[str, Counts] = {}
    left = list(plan.clauses)
    while left and not rows.picked and not (funnel and rows.are_lazy(left[0])):
        at_hand = list(takewhile(lambda clause: clause.steps and not rows.are_lazy(clause), left))
        if at_hand:
            funnel |= rows.filter(at_hand)
            left = left[len(at_hand) :]
        else:
            clause = left.pop(0)
            rows.pass_on(rows.holds(clause))
            funnel[clause.name] = rows.per_tick()
    rows.settle()
    rows.prepare(
        {
            column
            for part in (*left, *plan.features, plan.rank_by)
            if part
            for column in part.columns
        }
    )
    narrow = list(takewhile(lambda clause: clause.steps, left))
    if narrow:
        funnel |= rows.filter(narrow)
        left = left[len(narrow) :]
    # what else is left is evaluated together: a call of Polars costs as much as thousands of rows
    values = rows.values([*left, *plan.features, *([plan.rank_by] if plan.rank_by else [])])
    kept = np.ones(len(rows.ticks), np.bool_)
    for clause in left:
        kept &= values.holds(clause)
        funnel[clause.name] = rows.per_tick(kept)
    found = np.flatnonzero(kept)
    order, ranks = _ranked(
        plan, rows.ticks[found], values.numbers(plan.rank_by)[found] if plan.rank_by else None
    )
    found = found[order]
    features = pl.DataFrame({feature.name: values.of(feature, found) for feature in plan.features})
    return SessionHits(
        rows.members, rows.ticks[found], rows.symbols[found], ranks, features, funnel
    )


class _Values:
    """What clauses and features come to in rows: computed by the machine, or columns of Polars."""

    def __init__(self, parts: Sequence[Clause], computed: Floats, others: Sequence[pl.Series]):
        self._places = {
            part: place for place, part in enumerate(part for part in parts if part.value_steps)
        }
        self._computed = computed
        self._others = dict(
            zip((part for part in parts if not part.value_steps), others, strict=True)
        )

    def holds(self, part: Clause) -> Bools:
        """Whether a clause holds; not where it is missing."""
        return mask_of(self._others[part].fill_null(False))

    def numbers(self, part: Clause) -> Floats:
        """A part's values as numbers, NaN for none."""
        if part in self._others:
            return self._others[part].to_numpy().astype(np.float64)
        values: Floats = self._computed[self._places[part]]
        return values

    def of(self, part: Clause, rows: Ints) -> pl.Series:
        """A part's values in some of the rows."""
        if part in self._others:
            return self._others[part].gather(rows)
        return pl.Series(np.take(self._computed[self._places[part]], rows), nan_to_null=True)


class _Rows:
    """The rows that are still in, and expressions over them.

    While many are in, they are the whole grid of ticks and members under a mask, which needs no
    copies; once few are left they are picked out.
    """

    def __init__(
        self, cross: CrossSection, ticks: Ints, members: Ints, whole: list[Clause], buffers: Buffers
    ):
        self._cross, self._grid, self._buffers = cross, (ticks, members), buffers
        self.members = len(members)
        self._mask: Bools | None = (
            None  # of the grid; None while all of it is in, and once rows are picked out
        )
        self.ticks, self.symbols, self.picked = ticks[:0], members[:0], False
        self._left: Ints | None = None  # the symbols of the rows that were picked out
        self._ranks: dict[Rank, Column] = {}
        self._places = ticks[:0]  # of the rows that were picked out, in the grid
        # what compares the symbols of a tick must see all of them, so it is evaluated before any
        # row goes
        self._whole = {
            part: self._on_grid(part, ("tick", *part.columns), part.expression) for part in whole
        }

    def filter(self, clauses: Sequence[Clause]) -> dict[str, Counts]:
        """Pick out the rows for which all of the clauses hold, which have steps.

        How many were left after each.
        """
        if self._mask is not None:
            self.settle()
        at, who, counts = filter_rows(
            [clause.steps for clause in clauses if clause.steps], self._rows()
        )
        self._pick(at, who)
        return {clause.name: left for clause, left in zip(clauses, counts, strict=True)}

    def are_lazy(self, clause: Clause) -> bool:
        """Whether a clause reads columns that are computed for the symbols that are left."""
        return any(self._cross.is_lazy(column) for column in clause.columns)

    def prepare(self, columns: Iterable[str]) -> None:
        """Have columns computed for the symbols that are left."""
        self._cross.prepare(columns, self._who() if self.picked else self._grid[1])

    def _who(self) -> Ints:
        """The symbols of the rows that were picked out, each once."""
        if self._left is None:
            there = np.zeros(len(self._cross.table), np.bool_)
            there[self.symbols] = True
            self._left = np.flatnonzero(there)
        return self._left

    def _rows(self) -> Grid:
        """The rows that are in, for the machine."""
        ticks = self._grid[0]
        spans = np.searchsorted(self.ticks, [ticks, ticks + 1])
        return self._of(spans, self.symbols, self._who()) if self.picked else self._every_row()

    def _every_row(self) -> Grid:
        """All members at all ticks."""
        ticks, members = self._grid
        return self._of(np.repeat([[0], [len(members)]], len(ticks), axis=1), members, members)

    def _of(self, spans: Ints, members: Ints, who: Ints) -> Grid:
        return Grid(
            self._grid[0],
            spans,
            members,
            partial(self._column, who=who),
            len(self._cross.ticks),
            buffers=self._buffers,
        )

    def _column(self, name: str | Rank, who: Ints) -> Column:
        if isinstance(name, str):
            return Column(*self._cross.some(name, who))
        if name not in self._ranks:  # among all members, whoever is left
            self._ranks[name] = rank_rows(name, self._every_row())
        return self._ranks[name]

    def holds(self, clause: Clause) -> pl.Series:
        """Whether a clause holds, for each row of the grid."""
        if clause in self._whole:
            return self._whole[clause].fill_null(False)
        return self._on_grid(clause, clause.columns, clause.holds)

    def values(self, parts: Sequence[Clause]) -> _Values:
        """The expressions' values of each row that was picked out."""
        computed = compute_rows(
            [part.value_steps for part in parts if part.value_steps], self._rows()
        )
        return _Values(
            parts, computed, self._by_polars([part for part in parts if not part.value_steps])
        )

    def _by_polars(self, parts: Sequence[Clause]) -> list[pl.Series]:
        if not parts:
            return []
        columns = dict.fromkeys(
            column for part in parts if part not in self._whole for column in part.columns
        )
        frame = self._cross.frame(tuple(columns) or ("tick",), self.ticks, self.symbols)
        asked = [
            pl.lit(at_least_two(self._whole[part])) if part in self._whole else part.expression
            for part in parts
        ]
        made = [expression.alias(f"{place}") for place, expression in enumerate(asked)]
        try:  # beside the frame's columns, so that a constant has a row for each
            return (
                at_least_two(frame)
                .with_columns(made)[: len(frame), len(columns or ("tick",)) :]
                .get_columns()
            )
        except (
            pl.exceptions.PolarsError
        ):  # a choice that falls alike in every row may come as one value, which is refused there
            return [values_of(expression, frame) for expression in made]

    def pass_on(self, passed: pl.Series) -> None:
        """Keep the rows of the grid that passed."""
        mask = mask_of(passed)
        self._mask = mask if self._mask is None else self._mask & mask
        if np.count_nonzero(self._mask) < PICK_BELOW * len(self._mask):
            self.settle()

    def per_tick(self, kept: Bools | None = None) -> Counts:
        """How many rows are in at each tick of the cross-section.

        Of those that were picked out, how many are kept.
        """
        if self.picked:
            left = self.ticks if kept is None else self.ticks[kept]
            return np.bincount(left, minlength=len(self._cross.ticks)).astype(np.uint32)
        ticks, members = self._grid
        counts = np.zeros(len(self._cross.ticks), np.uint32)
        assert self._mask is not None
        counts[ticks] = [
            np.count_nonzero(of_tick) for of_tick in self._mask.reshape(len(ticks), len(members))
        ]
        return counts

    def settle(self) -> None:
        """Pick out the rows that are in."""
        if not self.picked:
            ticks, members = self._grid
            rows = (
                np.arange(len(ticks) * len(members))
                if self._mask is None
                else np.flatnonzero(self._mask)
            )
            at, who = np.divmod(rows, max(1, len(members)))
            self._pick(ticks[at], members[who])

    def _pick(self, ticks: Ints, symbols: Ints) -> None:
        if self._whole:
            every_tick, members = self._grid
            places = np.searchsorted(every_tick, ticks) * len(members) + np.searchsorted(
                members, symbols
            )
            rows = np.searchsorted(self._places, places) if self.picked else places
            self._whole = {part: values.gather(rows) for part, values in self._whole.items()}
            self._places = places
        self.ticks, self.symbols, self.picked, self._mask, self._left = (
            ticks,
            symbols,
            True,
            None,
            None,
        )

    def _on_grid(self, part: Clause, columns: Iterable[str], expression: pl.Expr) -> pl.Series:
        return values_of(
            expression, self._cross.grid(dict.fromkeys(columns) or ("tick",), *self._grid)
        )


def values_of(expression: pl.Expr, frame: pl.DataFrame) -> pl.Series:
    """An expression's value in each row of a frame, a constant in every one."""
    values = at_least_two(frame).select(expression).to_series()
    if len(values) == 1:
        values = values.new_from_index(0, len(frame))
    return values.head(len(frame))


def all_values_of(expressions: Sequence[pl.Expr], frame: pl.DataFrame) -> list[pl.Series]:
    """The same of several expressions in one query, which costs as much for one as for ten.

    The frame has two rows at least.
    """
    if not expressions:
        return []
    named = [one.alias(str(number)) for number, one in enumerate(expressions)]
    values = frame.select_seq(named).get_columns()  # threads cost more than they save
    if len(values[0]) == 1:  # all of them constants
        values = [column.new_from_index(0, len(frame)) for column in values]
    return values


def at_least_two(frame: Rows) -> Rows:
    """The frame or column, its row twice where it has one: of a single row Polars divides by a
    constant, of several it multiplies by the constant's reciprocal, and what a row comes to must
    not depend on how many there are.
    """
    return pl.concat([frame, frame]) if len(frame) == 1 else frame


def mask_of(values: pl.Series) -> Bools:
    """A boolean column without nulls as an array. `to_numpy` looks at every bit by itself."""
    array = values.to_arrow()
    bits = np.frombuffer(array.buffers()[1], np.uint8)
    return np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[
        array.offset :
    ].view(np.bool_)


def _ranked(plan: ScanPlan, ticks: Ints, values: Floats | None) -> tuple[Ints, NDArray[np.uint32]]:
    """Rows sorted by rank within each tick, and their ranks.

    Best first; ties and missing values by symbol. The rows given are sorted by tick and symbol.
    """
    keys = np.zeros(len(ticks)) if values is None else -values if plan.descending else values
    order, ranks = np.empty(len(keys), np.int64), np.empty(len(keys), np.uint32)
    order_rows(ticks, keys, order, ranks)
    if plan.limit is not None:
        within = ranks <= plan.limit
        order, ranks = order[within], ranks[within]
    return order, ranks


def _first_symbols(hits: SessionHits, count: int) -> SessionHits:
    """The first hit of each of the first `count` symbols."""
    _, first = np.unique(hits.symbols, return_index=True)
    return hits.only(np.sort(first)[:count])
