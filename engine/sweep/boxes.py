"""Variants that are a grid of thresholds: a row is added to one cell, whatever the number of
variants.

Every parameter of the family is an axis of the grid, its values in order from the loosest to the
strictest. A row passes so many of them (its level), and all variants below its levels: a box. The
kernels are in engine/compute/sum_boxes.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from engine.compute.sum_boxes import add_returns, count_unions, sum_down, sum_excess_of_boxes
from engine.panel.bars import Ints
from engine.runtime.threads import in_threads
from engine.sweep.conditions import Test, passed
from engine.sweep.figures import HorizonSums, Sums
from engine.sweep.rows import Returns, SessionRows

PLANE = 4096  # variants whose sums at every tick are in the processor's cache together
MOST_FLAGS = 1 << 26
MANY_KEYS = 4_000_000  # of symbols and cells, after which those that are there twice are dropped


def strictness_of(tests: Sequence[Test], sizes: Mapping[str, int]) -> dict[str, Ints] | None:
    """Parameter -> the codes of its values from the loosest to the strictest.

    None where tests do not agree on such orders.
    """
    orders: dict[str, Ints] = {name: np.arange(size) for name, size in sizes.items()}
    for name in sizes:
        own = [test for test in tests if name in test.condition.names]
        found = [test.condition.strictness for test in own]
        if any(order is None for order in found):
            return None
        # equal constants may stand in any order: one that suits every test is by the constants of
        # all
        keys = [key for test in own for key in _keys(test)]
        if keys:
            order = np.lexsort(keys[::-1])
            if not all((np.diff(key[order]) >= 0).all() for key in keys):
                return None
            orders[name] = order
    return orders


def _keys(test: Test) -> list[Any]:
    """Of each moving number its values, larger ones stricter."""
    order = test.condition.strictness
    assert order is not None
    found = []
    for _, constants in test.condition.moving.values():
        values = np.array(constants)
        found.append(values if values[order[0]] <= values[order[-1]] else -values)
    return found


class Boxes:
    """Sums of a family of which every combination of values is a variant.

    tests   of the family
    sizes   parameter -> how many values it has
    orders  parameter -> codes of its values, from the loosest to the strictest
    symbols  how many there are
    """

    def __init__(
        self,
        tests: Sequence[Test],
        sizes: Mapping[str, int],
        orders: Mapping[str, Ints],
        horizons: Sequence[str],
        symbols: int,
    ):
        self._tests, self._orders, self._horizons = tests, orders, horizons
        self.names = tuple(sizes)
        self._sizes = dict(sizes)
        self._shape, self._places = _layout(list(sizes.values()))
        count = math.prod(sizes.values())
        self._cells = np.zeros(count, np.int64)
        self._sessions, self._symbols = np.zeros((2, count), np.int32)
        self._returns = [np.zeros((4, count), np.int64) for _ in horizons]
        self._excesses = [np.zeros(count, np.int64) for _ in horizons]
        self._with_one = [np.zeros(count, np.int32) for _ in horizons]
        self._sums = [np.zeros((4, count)) for _ in horizons]
        # which symbol was in which cell: a flag each, or the numbers of those that were
        self._flags = np.zeros(symbols * count if symbols * count <= MOST_FLAGS else 0, np.bool_)
        self._keys: list[Ints] = []
        self._waiting = 0

    def add(self, rows: SessionRows) -> None:
        """Add a session's rows."""
        levels = self._levels(rows)
        kept = np.flatnonzero((levels > 0).all(axis=1))
        if not len(kept):
            return
        levels, who = levels[kept], rows.who[kept]
        cells = np.ravel_multi_index(tuple(levels.T - 1), tuple(self._shape.tolist()))
        self._cells += np.bincount(cells, minlength=len(self._cells))
        self._note(who * len(self._cells) + cells)
        count_unions(levels, np.array([0, len(levels)]), self._shape, self._sessions)
        self._add_returns(cells, kept, rows)
        self._add_excess(levels, kept, rows)

    def _levels(self, rows: SessionRows) -> Any:
        """int32[rows, axes]: how many values of each axis a row passes, those of the kernels that
        are no parameter's among them.
        """
        levels = np.ones((len(rows), len(self._shape)), np.int32)
        places = dict(zip(self.names, self._places, strict=True))
        for name, place in places.items():
            levels[:, place] = self._sizes[name]
        for test in self._tests:
            if not test.condition.moving:
                levels[~rows.columns[test.columns[0]], 0] = 0
                continue
            (name,) = test.condition.names
            own = levels[:, places[name]]
            np.minimum(own, self._level(test, rows, self._orders[name]), out=own)
        return levels

    def _level(self, test: Test, rows: SessionRows, order: Ints) -> Any:
        if test.operation is None:
            return sum(rows.columns[test.columns[code]].astype(np.int32) for code in order)
        constants = np.array(test.constants)[order]
        return passed(rows.columns[test.columns[0]], test.operation, constants)

    def _note(self, keys: Ints) -> None:
        """Note which symbol is in which cell."""
        if len(self._flags):
            self._flags[keys] = True
            return
        self._keys.append(np.unique(keys))
        self._waiting += len(self._keys[-1])
        if self._waiting > MANY_KEYS:
            self._keys = [np.unique(np.concatenate(self._keys))]
            self._waiting = len(self._keys[0]) // 2

    def _add_returns(self, cells: Ints, kept: Ints, rows: SessionRows) -> None:
        def one(number: int) -> None:
            own = rows.returns[number]
            known = ~np.isnan(own.distances[kept])
            add_returns(
                cells, own.highs[kept], own.lows[kept], own.wins[kept], known, self._returns[number]
            )

        in_threads(one, range(len(self._horizons)))

    def _add_excess(self, levels: Any, kept: Ints, rows: SessionRows) -> None:
        order = np.lexsort((rows.at[kept], -levels[:, -3]))
        levels, at, chosen = np.ascontiguousarray(levels[order]), rows.at[kept[order]], kept[order]
        distances = [own.distances[chosen] for own in rows.returns]
        wide = int(self._shape[-1])
        step = max(1, PLANE // int(self._shape[-2]))
        windows = [(first, min(wide, first + step)) for first in range(0, wide, step)]
        outer = range(math.prod(self._shape[:-3].tolist()))

        def one(job: tuple[int, int, tuple[int, int]]) -> None:
            number, combination, window = job
            own: Returns = rows.returns[number]
            sum_excess_of_boxes(
                levels,
                at,
                distances[number],
                own.known,
                own.rest,
                own.units,
                self._shape,
                combination,
                np.array(window),
                self._excesses[number],
                self._with_one[number],
                self._sums[number],
            )

        in_threads(one, list(product(range(len(self._horizons)), outer, windows)))

    def state(self) -> dict[str, Any]:
        """All that has been added up, by name."""
        tables = {
            f"{name}_{number}": array
            for name, arrays in self._tables.items()
            for number, array in enumerate(arrays)
        }
        return tables | {"keys": self._noted()}

    def restore(self, arrays: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for name, own in self._tables.items():
            for number, array in enumerate(own):
                array[:] = arrays[f"{name}_{number}"]
        self._note(arrays["keys"])

    def _noted(self) -> Ints:
        if len(self._flags):
            return np.flatnonzero(self._flags)
        return np.unique(np.concatenate(self._keys)) if self._keys else np.empty(0, np.int64)

    @property
    def _tables(self) -> dict[str, list[Any]]:
        return {
            "cells": [self._cells, self._sessions, self._symbols],
            "returns": self._returns,
            "excesses": self._excesses,
            "with_one": self._with_one,
            "sums": self._sums,
        }

    def sums(self) -> Sums:
        """The sums of all variants, those of the last parameter's values next to each other.

        Each as the codes of its values are.
        """
        self._count_symbols()
        for axis, stride in _strides(self._shape):
            size = int(self._shape[axis])
            sum_down(self._cells, size, stride)
            for table in self._returns:
                for row in table:
                    sum_down(row, size, stride)
        wide = int(self._shape[-1])
        sum_down(self._sessions, wide, 1)
        sum_down(self._symbols, wide, 1)
        horizons = {
            name: HorizonSums(*[*returns, excesses, sessions, *sums])
            for name, returns, excesses, sessions, sums in zip(
                self._horizons,
                self._returns,
                self._excesses,
                self._with_one,
                self._sums,
                strict=True,
            )
        }
        made = Sums(self._cells, self._sessions, self._symbols, horizons)
        places = self._places_of_codes()
        return made if places is None else made.taken(places)

    def _count_symbols(self) -> None:
        keys = self._noted()
        symbols, cells = np.divmod(keys, max(1, len(self._cells)))
        levels = np.stack(np.unravel_index(cells, self._shape), axis=1).astype(np.int32) + 1
        starts = np.flatnonzero(np.diff(symbols, prepend=-1, append=-1))  # and the end
        count_unions(levels, starts, self._shape, self._symbols)

    def _places_of_codes(self) -> Ints | None:
        """Where the variant of each combination of codes is; None where they are in order."""
        if all((order == np.arange(len(order))).all() for order in self._orders.values()):
            return None
        ranks = [np.argsort(self._orders[name]) for name in self.names]
        return np.ravel_multi_index(
            tuple(grid.reshape(-1) for grid in np.meshgrid(*ranks, indexing="ij")),
            tuple(self._sizes.values()),
        )


def _layout(sizes: Sequence[int]) -> tuple[Ints, list[int]]:
    """The axes in the kernels' order: outer ones, a layer's, and two of a plane of limited size."""
    count = len(sizes)
    if count < 2 or sizes[-2] * sizes[-1] > PLANE:  # a plane of one line
        shape = [*([1] * (2 - count)), *sizes[:-1], 1, *sizes[-1:]]
        return np.array(shape, np.int64), [*range(count - 1), len(shape) - 1][:count]
    shape = [*([1] * (3 - count)), *sizes]
    return np.array(shape, np.int64), list(range(len(shape) - count, len(shape)))


def _strides(shape: Ints) -> list[tuple[int, int]]:
    return [(axis, math.prod(shape[axis + 1 :].tolist())) for axis in range(len(shape))]
