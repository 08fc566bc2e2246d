"""Variants of any kind: each distinct condition is evaluated once, a bitmap of rows.

What ranks, limits, or keeps first hits is done a variant, over the rows that passed. The kernels
are in engine/compute/sum_variants.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compute.rank_rows import order_rows
from engine.compute.sum_variants import sum_variants
from engine.panel.bars import Ints
from engine.runtime.threads import in_threads, threads
from engine.sweep.conditions import Test, compare
from engine.sweep.declared import Family
from engine.sweep.figures import Asked, HorizonSums, Sums
from engine.sweep.rows import SessionRows

EVERY_ROW = 0  # the condition that every row passes
Key = tuple[int, str | None, float]  # of a condition: a column, how it is compared, with what


@dataclass(frozen=True)
class Listed:
    """Variants of a family.

    rank    the column that hits are ranked by; None for none
    codes   parameter -> int32[variants]: which of its values each variant has
    places  int64[variants]: which variants of the sweep they are
    """

    family: Family
    tests: Sequence[Test]
    rank: int | None
    codes: dict[str, Ints]
    places: Ints


class Bitmaps:
    """Sums of variants of one pass, over so many symbols."""

    def __init__(self, listed: Sequence[Listed], asked: Asked, symbols: int):
        self._horizons = horizons = asked.horizons
        self._conditions: dict[Key, int] = {(-1, None, 0.0): EVERY_ROW}
        self.places = np.concatenate([one.places for one in listed])
        uses = [self._uses(one) for one in listed]
        count, wide = len(self.places), max(each.shape[1] for each in uses)
        self._uses_of = np.full((count, wide), -1, np.int32)
        self._limits = np.full((count, 3), -1, np.int64)
        self._ranked: dict[tuple[int | None, bool], list[Ints]] = {}
        first = 0
        for one, each in zip(listed, uses, strict=True):
            own = slice(first, first + len(each))
            self._uses_of[own, : each.shape[1]] = each
            self._limits[own] = _limits(one, asked.first_hit)
            key = one.rank, one.family.base.descending
            self._ranked.setdefault(key, []).append(np.arange(own.start, own.stop))
            first += len(each)
        self._hits = np.zeros((count, 2), np.int64)
        self._whole = np.zeros((count, len(horizons), 6), np.int64)
        self._sums = np.zeros((count, len(horizons), 4))
        self._seen = np.zeros((count, -(-symbols // 64)), np.uint64)

    @property
    def conditions(self) -> int:
        """How many distinct conditions there are."""
        return len(self._conditions) - 1

    def _uses(self, one: Listed) -> Any:
        """int32[variants, tests + 1]: the conditions of each variant."""
        found = np.full((len(one.places), len(one.tests) + 1), EVERY_ROW, np.int32)
        for number, test in enumerate(one.tests):
            names = test.condition.names
            sizes = [_size(test, name) for name in names]
            place = np.zeros(len(one.places), np.int64)
            for name, size in zip(names, sizes, strict=True):
                place = place * size + one.codes[name]
            keys, (used, which) = _keys(test), np.unique(place, return_inverse=True)
            ids = np.array([self._id(keys[one]) for one in used.tolist()], np.int32)
            found[:, number + 1] = ids[which]
        return found

    def _id(self, key: Key) -> int:
        return self._conditions.setdefault(key, len(self._conditions))

    def add(self, rows: SessionRows) -> None:
        """Add a session's rows."""
        if not len(rows):
            return
        passes = np.stack([_holds(key, rows) for key in self._conditions])
        for (rank, descending), numbers in self._ranked.items():
            order = _order(rows, rank, descending)
            self._add(np.concatenate(numbers), passes[:, order], rows, order)

    def _add(self, variants: Ints, passes: Any, rows: SessionRows, order: Ints) -> None:
        words = _words(passes)
        returns = tuple(
            np.stack([getattr(own, name)[order] for own in rows.returns], axis=1)
            for name in ("distances", "highs", "lows", "wins")
        )
        ticks = tuple(
            np.stack([getattr(own, name) for own in rows.returns], axis=1)
            for name in ("known", "rest", "units")
        )
        where = rows.at[order], rows.who[order]

        def some(part: Ints) -> None:
            sum_variants(
                part,
                words,
                self._uses_of,
                self._limits,
                where,
                returns,
                ticks,
                self._hits,
                (self._whole, self._sums),
                self._seen,
            )

        in_threads(some, np.array_split(variants, min(len(variants), 4 * threads())))

    def state(self) -> dict[str, Any]:
        """All that has been added up, by name."""
        return {"hits": self._hits, "whole": self._whole, "sums": self._sums, "seen": self._seen}

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for name, array in self.state().items():
            array[:] = arrays[name]

    def sums(self) -> Sums:
        """The sums of all variants."""
        bits = np.unpackbits(self._seen.view(np.uint8), axis=1)
        horizons = {
            name: HorizonSums(
                *(self._whole[:, number, place] for place in range(6)),
                *(self._sums[:, number, place] for place in range(4)),
            )
            for number, name in enumerate(self._horizons)
        }
        return Sums(self._hits[:, 0], self._hits[:, 1], bits.sum(axis=1, dtype=np.int64), horizons)


def _limits(one: Listed, once: bool) -> Any:
    """int64[variants, 3]: limit a tick, most symbols a session, whether each symbol is kept once.

    Negative for no limit.
    """
    found = np.full((len(one.places), 3), -1, np.int64)
    base = one.family.base
    if one.family.limit is not None:
        name, limits = one.family.limit
        found[:, 0] = np.array(limits)[one.codes[name]]
    elif base.limit is not None:
        found[:, 0] = base.limit
    found[:, 1] = -1 if base.session_limit is None else base.session_limit
    found[:, 2] = once
    return found


def _size(test: Test, name: str) -> int:
    return next(len(constants) for one, constants in test.condition.moving.values() if one == name)


def _keys(test: Test) -> list[Key]:
    """The conditions of a test's versions, in the order of its parameters' values."""
    if test.operation is None:
        return [(column, None, 0.0) for column in test.columns]
    return [(test.columns[0], test.operation, constant) for constant in test.constants]


def _holds(key: Key, rows: SessionRows) -> Any:
    column, operation, constant = key
    if column < 0:
        return np.ones(len(rows), np.bool_)
    values = rows.columns[column]
    return values if operation is None else compare(values, operation, constant)


def _order(rows: SessionRows, rank: int | None, descending: bool) -> Ints:
    """int64[rows]: rows by tick and rank, the best first, ties and missing values by symbol."""
    order, ranks = np.empty(len(rows), np.int64), np.empty(len(rows), np.uint32)
    values = np.zeros(len(rows)) if rank is None else rows.columns[rank].astype(np.float64)
    order_rows(rows.at, -values if descending and rank is not None else values, order, ranks)
    return order


def _words(passes: Any) -> Any:
    """uint64[conditions, words] of bool[conditions, rows]."""
    packed = np.packbits(passes, axis=1, bitorder="little")
    words = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), np.uint8)
    words[:, : packed.shape[1]] = packed
    return words.view(np.uint64)
