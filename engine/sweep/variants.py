"""The variants of a sweep: which values of its axes each one has."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.sweep.axes import Axis
from engine.sweep.sobol import MOST_AXES, sobol

NUMBER = "number"  # the column of the variants' numbers
MOST_VARIANTS = 20_000_000
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Variants:
    """All variants, numbered from 0.

    axes   swept parameters
    codes  int32[variants, axes]: which value of each axis a variant has
    whole  whether they are all combinations of the axes' values, the last axis' values changing
           fastest
    """

    axes: tuple[Axis, ...]
    codes: Codes
    whole: bool

    def __len__(self) -> int:
        return len(self.codes)

    def values(self, number: int) -> dict[str, Any]:
        """Parameter -> value of a variant. Raises ConfigError where there is no such variant."""
        if not 0 <= number < len(self):
            raise ConfigError(
                f"no variant {number}", expected=f"a number from 0 to {len(self) - 1:,}"
            )
        return {
            axis.name: axis.values[code]
            for axis, code in zip(self.axes, self.codes[number].tolist(), strict=True)
        }

    def some(self, numbers: NDArray[np.int64]) -> Variants:
        """Some of them, numbered anew."""
        whole = len(numbers) == len(self) and bool((np.diff(numbers) == 1).all())
        return self if whole else Variants(self.axes, self.codes[numbers], False)

    def frame(self) -> pl.DataFrame:
        """A row a variant: `number`, and a column a swept parameter.

        Values that are neither all numbers nor all texts are JSON.
        """
        columns = [
            column_of(axis).gather(self.codes[:, place].astype(np.uint32))
            for place, axis in enumerate(self.axes)
        ]
        return pl.DataFrame([pl.Series(NUMBER, np.arange(len(self))), *columns])


def column_of(axis: Axis) -> pl.Series:
    """An axis' values as a column."""
    kinds = {type(value) for value in axis.values} - {type(None)}
    if kinds <= {int, float} and kinds:
        dtype: Any = pl.Int64 if kinds == {int} else pl.Float64
        return pl.Series(axis.name, axis.values, dtype, strict=False)
    if kinds in ({str}, {bool}):
        return pl.Series(axis.name, axis.values)
    return pl.Series(axis.name, [json.dumps(value) for value in axis.values], pl.String)


def distinct_rows(
    variants: Variants, axes: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First variant of each combination of some axes' values; and each variant's combination."""
    if not axes:
        return np.zeros(1, np.int64), np.zeros(len(variants), np.int64)
    if variants.whole and list(axes) == list(range(len(variants.axes))):
        return np.arange(len(variants)), np.arange(len(variants))
    codes, sizes = variants.codes[:, axes], [len(variants.axes[place]) for place in axes]
    keys = np.ravel_multi_index(tuple(codes.T), sizes) if math.prod(sizes) < 1 << 62 else codes
    _, first, rows = np.unique(keys, return_index=True, return_inverse=True, axis=0)
    return first, rows.reshape(-1)


def grid_of(axes: Sequence[Axis]) -> Variants:
    """Every combination of the axes' values."""
    for axis in axes:
        if axis.span:
            raise ConfigError(
                f"{axis.name} has no step",
                where="grid",
                expected=(
                    f"{axis.name}={axis.span[0]:g}:{axis.span[1]:g}:STEP, or so many "
                    "variants drawn by chance"
                ),
            )
    count = math.prod(len(axis) for axis in axes)
    _refuse_many(count)
    codes = np.empty((count, len(axes)), np.int32)
    for place, code in enumerate(np.indices([len(axis) for axis in axes], np.int32, sparse=True)):
        codes[:, place] = np.broadcast_to(code, [len(axis) for axis in axes]).reshape(-1)
    return Variants(tuple(axes), codes, True)


def drawn(axes: Sequence[Axis], count: int, seed: int) -> Variants:
    """So many variants drawn by chance, each once; the whole grid where it has no more."""
    _check(count)
    rng = np.random.default_rng(seed)
    if any(axis.span for axis in axes):
        return _continuous(axes, rng.random((count, len(axes))))
    sizes = [len(axis) for axis in axes]
    if count >= math.prod(sizes):
        return grid_of(axes)
    places = np.sort(rng.choice(math.prod(sizes), count, replace=False))
    codes = np.stack(np.unravel_index(places, sizes), axis=1)
    return Variants(tuple(axes), codes.astype(np.int32), False)


def spread(axes: Sequence[Axis], count: int, seed: int) -> Variants:
    """So many variants of a Sobol sequence, scrambled by a digital shift of the seed: spread evenly
    over all axes.
    """
    if len(axes) > MOST_AXES:
        raise ConfigError(f"{len(axes)} parameters", where="sobol", expected=f"{MOST_AXES} at most")
    _check(count)
    points = sobol(len(axes), seed)
    if any(axis.span for axis in axes):
        return _continuous(axes, points(0, count))
    if count >= math.prod(len(axis) for axis in axes):
        return grid_of(axes)
    sizes = np.array([len(axis) for axis in axes])
    found, taken = np.empty((0, len(axes)), np.int64), 0
    while len(found) < count:  # points of the same cell of the grid are one variant
        more = (points(taken, taken + count) * sizes).astype(np.int64)
        found, taken = np.concatenate([found, more]), taken + count
        _, first = np.unique(found, axis=0, return_index=True)
        found = found[np.sort(first)]
    return Variants(tuple(axes), found[:count].astype(np.int32), False)


def _continuous(axes: Sequence[Axis], points: NDArray[np.float64]) -> Variants:
    made, codes = [], np.empty(points.shape, np.int32)
    for place, axis in enumerate(axes):
        if axis.span:
            low, high = axis.span
            values, code = np.unique(low + points[:, place] * (high - low), return_inverse=True)
            made.append(Axis(axis.name, tuple(values.tolist())))
            codes[:, place] = code
        else:
            made.append(axis)
            codes[:, place] = np.minimum((points[:, place] * len(axis)).astype(int), len(axis) - 1)
    return Variants(tuple(made), codes, False)


def _check(count: int) -> None:
    if count < 1:
        raise ConfigError(f"{count} variants", expected="one at least")
    _refuse_many(count)


def _refuse_many(count: int) -> None:
    if count > MOST_VARIANTS:
        raise ConfigError(
            f"{count:,} variants",
            expected=f"{MOST_VARIANTS:,} at most",
            fix="widen the steps, or draw some",
        )


def listed(axes: Sequence[Axis], rows: Sequence[Mapping[str, Any]]) -> Variants:
    """Chosen variants, each a value of every axis."""
    places = [
        {json.dumps(v, sort_keys=True): n for n, v in enumerate(axis.values)} for axis in axes
    ]
    codes = [
        [
            place[json.dumps(row[axis.name], sort_keys=True)]
            for axis, place in zip(axes, places, strict=True)
        ]
        for row in rows
    ]
    return Variants(tuple(axes), np.array(codes, np.int32).reshape(-1, len(axes)), False)
