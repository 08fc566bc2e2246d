"""Runs filter programs over the columns of a cross-section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.compute import filter_rows as machine
from engine.compute.rank_rows import rank_members
from engine.panel.bars import Floats, Ints
from engine.runtime.buffers import Buffers
from engine.runtime.threads import in_threads, threads
from engine.scan.filter_program import Rank, Steps, _assemble, _names

MANY_ROWS = 100_000  # from so many on, threads share the work


RANKED_ROWS = (
    1 << 17
)  # that are ranked at a time: what they come to is in the processor's cache still


class Column(NamedTuple):
    """float64[ticks, places] from a tick of the cross-section on, and the place of each member.

    None where it is the member.
    """

    values: Floats
    places: Ints | None = None
    first_tick: int = 0


@dataclass(frozen=True)
class Grid:
    """Rows of a cross-section: at ticks[i] the members[spans[0, i]:spans[1, i]].

    ticks    int64, increasing; of `every_tick` that there are
    spans    int64[2, ticks]
    members  int64, increasing within each span
    column   name or rank -> the column, of these members at least
    buffers  the lifetime of what is computed
    """

    ticks: Ints
    spans: Ints
    members: Ints
    column: Callable[[str | Rank], Column]
    every_tick: int
    first_row: int = 0  # how many rows there are before, in the grid that it is a part of
    buffers: Buffers = field(default_factory=Buffers)

    def __len__(self) -> int:
        return int((self.spans[1] - self.spans[0]).sum())

    def parts(self, size: int) -> list[Grid]:
        """The same rows, so many ticks at a time; itself where that is all of them."""
        if size >= len(self.ticks):
            return [self]
        begins = range(0, len(self.ticks), size)
        before = np.concatenate([[0], np.cumsum(self.spans[1] - self.spans[0])])
        return [
            replace(
                self,
                ticks=self.ticks[begin : begin + size],
                spans=np.ascontiguousarray(self.spans[:, begin : begin + size]),
                first_row=int(before[begin]),
            )
            for begin in begins
        ]

    def columns(self, programs: Sequence[Steps]) -> Columns:
        """The columns that programs read."""
        return Columns([self.column(name) for name in _names(programs)])


class Columns:
    """Columns for the machine, which gets their addresses: they must outlive its call.

    table  int64[columns, 4]: see the kernel
    """

    def __init__(self, columns: list[Column]):
        self._columns = columns
        table = [
            [
                _address(values) - first * values.strides[0],
                *values.strides,
                0 if places is None else _address(places),
            ]
            for values, places, first in columns
        ]
        self.table: Ints = np.array(table, np.int64).reshape(-1, 4)


def _address(array: Floats | Ints) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def filter_rows(conditions: Sequence[Steps], grid: Grid) -> tuple[Ints, Ints, NDArray[np.uint32]]:
    """The rows for which all conditions hold: their ticks, their members, and uint32[conditions,
    every_tick] left.
    """
    code, columns = _assemble(tuple(conditions)), grid.columns(conditions)
    counts, parts = (
        np.zeros((len(conditions), grid.every_tick), np.uint32),
        grid.parts(_shared(grid)),
    )
    found = [np.empty((2, 0), np.int64) for _ in parts]

    def some(number: int) -> None:
        part = parts[number]
        out = np.empty((2, len(part)), np.int64)
        count = machine.filter_rows(
            part.ticks, part.spans, part.members, columns.table, *code, counts, out[0], out[1]
        )
        found[number] = out[:, :count]

    in_threads(some, range(len(parts)))
    ticks, members = np.concatenate(found, axis=1)
    return ticks, members, counts


def compute_rows(computations: Sequence[Steps], grid: Grid) -> Floats:
    """What computations come to, float64[computations, rows], NaN where there is no value."""
    code, columns = _assemble(tuple(computations)), grid.columns(computations)
    out = grid.buffers.empty((len(computations), len(grid)))

    def some(part: Grid) -> None:
        machine.compute_rows(
            part.ticks, part.spans, part.members, columns.table, *code, part.first_row, out
        )

    in_threads(some, grid.parts(_shared(grid)))
    return out


def rank_rows(rank: Rank, grid: Grid) -> Column:
    """A rank at every tick of a grid of members, which are the same at all of them."""
    if not len(grid):
        return Column(np.empty((0, 0)))
    members, first, plain = len(grid.members), int(grid.ticks[0]), _plain_column(rank.steps, grid)
    code, columns = _assemble((rank.steps,)), grid.columns([rank.steps])
    ranks = grid.buffers.empty((int(grid.ticks[-1]) - first + 1, members))

    def some(part: Grid) -> None:
        if plain is not None:
            numbers = plain[part.ticks[0] : part.ticks[-1] + 1]
        else:
            out = grid.buffers.empty((1, len(part)))
            machine.compute_rows(part.ticks, part.spans, part.members, columns.table, *code, 0, out)
            numbers = out.reshape(len(part.ticks), members)
        rank_members(
            numbers,
            rank.descending,
            rank.highest,
            rank.share,
            rank.within,
            part.ticks - first,
            ranks,
        )

    in_threads(some, grid.parts(max(1, min(_shared(grid), RANKED_ROWS // members))))
    if grid.members[-1] == members - 1:  # every one of the first
        return Column(ranks, None, first)
    places = np.full(int(grid.members[-1]) + 1, -1)
    places[grid.members] = np.arange(members)
    return Column(ranks, places, first)


def _plain_column(steps: Steps, grid: Grid) -> Floats | None:
    """The column itself, where the program is one column and the grid covers all of it."""
    ((what, name), *more) = steps
    if (
        more
        or what != machine.LOAD
        or not isinstance(name, str)
        or len(grid.ticks) < grid.every_tick
    ):
        return None
    values, places, _ = grid.column(name)
    whole = places is None and values.shape == (grid.every_tick, len(grid.members))
    return (
        values if whole and values.flags.c_contiguous and values.flags.writeable else None
    )  # as the kernel is compiled for


def _shared(grid: Grid) -> int:
    """How many of a grid's ticks each thread has."""
    return max(1, -(-len(grid.ticks) // (threads() if len(grid) >= MANY_ROWS else 1)))
