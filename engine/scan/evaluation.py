"""A columnar scanner over one session: all its ticks and symbols, clause by clause on what is left.

1. `_universe_rows`  the rows: every tick of the scanner with every member of its universe
2. `_hold`           each clause in turn, on the rows that passed the ones before it (the funnel); a clause
                     that compares symbols of a tick is evaluated on all rows first
3. `_rank`           the best `limit` of each tick
4. `_features`       the named columns of what is left
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.panel.bars import Ints
from engine.scan.cross_section import CrossSection
from engine.scan.plan import Clause, ScanPlan


@dataclass(frozen=True)
class SessionHits:
    """What a scanner found in a session, sorted by tick and rank.

    scanned    symbols looked at, at every tick
    ticks      int64[hits], index of the tick in the cross-section
    symbols    int64[hits], ids in the cross-section's table
    ranks      uint32[hits], 1 is the best of its tick
    features   one row a hit
    funnel     clause name -> uint32[ticks of the cross-section], rows left after the clause
    """

    scanned: int
    ticks: Ints
    symbols: Ints
    ranks: NDArray[np.uint32]
    features: pl.DataFrame
    funnel: dict[str, NDArray[np.uint32]]

    def at(self, tick: int) -> slice:
        """The hits of one tick."""
        start, end = np.searchsorted(self.ticks, (tick, tick + 1))
        return slice(int(start), int(end))

    def qualified(self, tick: int) -> int:
        """How many symbols passed all clauses, before the limit."""
        return int(list(self.funnel.values())[-1][tick])


def evaluate(plan: ScanPlan, cross: CrossSection, ticks: Ints, members: Ints) -> SessionHits:
    """Scan `ticks` (indices of the cross-section's ticks) over `members` (ids, sorted)."""
    if plan.session_at_once:
        return _evaluate_rows(plan, cross, ticks, members)
    parts = [_evaluate_rows(plan, cross, ticks[i : i + 1], members) for i in range(len(ticks))]
    return _join(parts, len(members)) if parts else _evaluate_rows(plan, cross, ticks, members)


def _evaluate_rows(plan: ScanPlan, cross: CrossSection, ticks: Ints, members: Ints) -> SessionHits:
    rows = _Rows(cross, ticks, members, [part for part in plan.parts if not part.elementwise])
    funnel = {}
    for clause in plan.clauses:
        rows.keep(rows.values(clause).fill_null(False).to_numpy())
        funnel[clause.name] = np.bincount(rows.ticks, minlength=len(cross.ticks)).astype(np.uint32)
    ranks = _rank(plan, rows)
    features = pl.DataFrame([rows.values(feature) for feature in plan.features])
    return SessionHits(len(members), rows.ticks, rows.symbols, ranks, features, funnel)


class _Rows:
    """The rows that are still in, and expressions over them."""

    def __init__(self, cross: CrossSection, ticks: Ints, members: Ints, whole: list[Clause]):
        self._cross = cross
        self.ticks, self.symbols = np.repeat(ticks, len(members)), np.tile(members, len(ticks))
        # what compares the symbols of a tick must see all of them, so it is evaluated before any row goes
        self._whole = {part.name: self._evaluate(part, ("tick", *part.columns)) for part in whole}

    def values(self, part: Clause) -> pl.Series:
        """The expression's value of each row that is still in."""
        if part.name in self._whole:
            return self._whole[part.name]
        return self._evaluate(part, part.columns)

    def keep(self, which: NDArray[np.bool_] | Ints) -> None:
        """Keep the rows of a mask, or take rows by index."""
        self.ticks, self.symbols = self.ticks[which], self.symbols[which]
        chosen = pl.Series(which)
        for name, values in self._whole.items():
            self._whole[name] = values.filter(chosen) if chosen.dtype == pl.Boolean else values.gather(chosen)

    def _evaluate(self, part: Clause, columns: tuple[str, ...]) -> pl.Series:
        frame = self._cross.frame(dict.fromkeys(columns or ("tick",)), self.ticks, self.symbols)
        values = frame.select(part.expression).to_series()
        if len(values) == 1 != len(frame):  # a constant
            values = values.new_from_index(0, len(frame))
        return values


def _rank(plan: ScanPlan, rows: _Rows) -> NDArray[np.uint32]:
    """Order the rows of each tick by rank, best first, ties and missing values by symbol; keep the best."""
    if plan.rank_by is not None:
        value = rows.values(plan.rank_by).cast(pl.Float64).fill_nan(None).to_numpy()
        key = np.where(np.isnan(value), np.inf, -value if plan.descending else value)
        rows.keep(np.lexsort((rows.symbols, key, rows.ticks)))
    first = np.searchsorted(rows.ticks, rows.ticks)
    ranks = np.arange(len(rows.ticks)) - first + 1
    if plan.limit is not None:
        within = ranks <= plan.limit
        rows.keep(within)
        ranks = ranks[within]
    return ranks.astype(np.uint32)


def _join(parts: list[SessionHits], scanned: int) -> SessionHits:
    return SessionHits(
        scanned,
        np.concatenate([part.ticks for part in parts]),
        np.concatenate([part.symbols for part in parts]),
        np.concatenate([part.ranks for part in parts]),
        pl.concat([part.features for part in parts]),
        {name: np.sum([part.funnel[name] for part in parts], axis=0, dtype=np.uint32) for name in parts[0].funnel},
    )
