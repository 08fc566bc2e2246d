"""What the page of a sweep is drawn from: all variants where they are few, else sums over them and
the best ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from engine.panel.bars import Floats, Ints
from engine.sweep.axes import Axis, text_of
from engine.sweep.variants import Variants

ALL = 20_000  # variants up to which each is sent to the page
BYTES = 3_000_000  # of figures, and as many of daily returns, at most
A_NUMBER = 9  # bytes of a figure in the page
# Variants of a larger sweep that the page gets: the best by each of the first figures, and others.
BEST, OTHERS = 300, 700
MOST_CELLS = 40_000  # of a heat map of a larger sweep
FIRST = (
    "sharpe_ratio",
    "cum_returns_final",
    "max_drawdown",
    "profit_factor",
    "pnl",
    "trades",
    "win_rate",
)
PREFIXES = ("excess_", "mean_", "t_", "win_rate_", "hits")


@dataclass(frozen=True)
class SweepData:
    """variants  which values each has
    figures   name -> float64[variants], NaN where it is not defined; the first is shown first
    left_out  figures that would make the page too large
    """

    variants: Variants
    figures: dict[str, Floats]
    left_out: list[str]

    @classmethod
    def of(cls, variants: Variants, figures: pl.DataFrame) -> SweepData:
        """Of the figures of all variants, those that the page has room for."""
        names = _in_order([name for name in figures.columns if figures[name].dtype.is_numeric()])
        sent = len(variants) if len(variants) <= ALL else BEST + OTHERS
        room = max(1, BYTES // (A_NUMBER * sent))
        if len(variants) > ALL:
            pairs = sum(
                len(one) * len(other)
                for one, other in combinations(variants.axes, 2)
                if len(one) * len(other) <= MOST_CELLS
            )
            room = max(1, BYTES // (3 * A_NUMBER * max(pairs, sent)))
        kept = {
            name: figures[name].cast(pl.Float64).fill_null(math.nan).to_numpy()
            for name in names[:room]
        }
        return cls(variants, kept, names[room:])

    @property
    def whole(self) -> bool:
        """Whether each variant is sent."""
        return len(self.variants) <= ALL

    def content(self) -> dict[str, Any]:
        """What the script of the page reads, as JSON has it."""
        rows = np.arange(len(self.variants)) if self.whole else self._chosen()
        axes = [
            {"name": axis.name, "values": [_text(value) for value in axis.values]}
            for axis in self.variants.axes
        ]
        first = next(iter(self.figures), "")
        return {
            "axes": axes,
            "count": len(self.variants),
            "all": self.whole,
            "numbers": rows.tolist(),
            "codes": [self.variants.codes[rows, place].tolist() for place in range(len(axes))],
            "figures": {name: _rounded(values[rows]) for name, values in self.figures.items()},
            "around": _rounded(around(self.variants, self.figures[first])[rows]) if first else [],
            "lines": [self._line(place) for place in range(len(axes))],
            "pairs": None if self.whole else self._pairs(),
        }

    def _chosen(self) -> Ints:
        """The best variants by each of the first figures, and some by chance, always the same."""
        few = list(self.figures.values())[:3]
        best = [
            np.argsort(-np.nan_to_num(one, nan=-np.inf), kind="stable")[: BEST // len(few)]
            for one in few
        ]
        some = np.random.default_rng(0).choice(len(self.variants), OTHERS, replace=False)
        return np.unique(np.concatenate([*best, some]))

    def _line(self, place: int) -> dict[str, Any]:
        """Of each figure, by an axis' value: mean, least and greatest of the variants that have
        it."""
        codes = self.variants.codes[:, place].astype(np.int64)
        size = len(self.variants.axes[place])
        return {
            name: dict(zip(("mean", "low", "high"), _by(codes, size, values), strict=True))
            for name, values in self.figures.items()
        }

    def _pairs(self) -> dict[str, Any]:
        """Of each two axes and each figure: mean and greatest by the values of both, and which
        variant is the best one.
        """
        found: dict[str, Any] = {}
        for one, other in combinations(range(len(self.variants.axes)), 2):
            sizes = len(self.variants.axes[one]), len(self.variants.axes[other])
            if sizes[0] * sizes[1] > MOST_CELLS:
                continue
            cells = (
                self.variants.codes[:, one].astype(np.int64) * sizes[1]
                + self.variants.codes[:, other]
            )
            found[f"{one},{other}"] = {
                name: _cell(cells, sizes[0] * sizes[1], values)
                for name, values in self.figures.items()
            }
        return found


def around(variants: Variants, values: Floats) -> Floats:
    """float64[variants]: the mean of a figure over a variant's neighbours, one step away on one
    axis; NaN without any.

    Steps are between values in the order in which the axis has them; texts and switches have no
    steps.
    """
    sizes = [len(axis) for axis in variants.axes]
    keys = np.ravel_multi_index(tuple(variants.codes.T), sizes)
    order = np.argsort(keys, kind="stable")
    strides = np.concatenate([np.cumprod(sizes[:0:-1])[::-1], [1]]).astype(np.int64)
    total, count = np.zeros(len(keys)), np.zeros(len(keys), np.int64)
    for place, axis in enumerate(variants.axes):
        if not _has_steps(axis):
            continue
        for step in (-1, 1):
            there = (variants.codes[:, place] + step >= 0) & (
                variants.codes[:, place] + step < sizes[place]
            )
            wanted = keys + step * strides[place]
            at = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
            there &= (keys[at] == wanted) & ~np.isnan(values[at])
            total[there] += values[at[there]]
            count += there
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _has_steps(axis: Axis) -> bool:
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in axis.values
    )


def _by(codes: Ints, size: int, values: Floats) -> tuple[list[Any], list[Any], list[Any]]:
    known = ~np.isnan(values)
    mean, high, _ = _grouped(codes[known], size, values[known])
    low = -_grouped(codes[known], size, -values[known])[1]
    return _rounded(mean), _rounded(low), _rounded(high)


def _cell(cells: Ints, size: int, values: Floats) -> dict[str, list[Any]]:
    known = np.flatnonzero(~np.isnan(values))
    mean, high, best = _grouped(cells[known], size, values[known])
    numbers = [int(known[one]) if one >= 0 else None for one in best.tolist()]
    return {"mean": _rounded(mean), "best": _rounded(high), "number": numbers}


def _grouped(codes: Ints, size: int, values: Floats) -> tuple[Floats, Floats, Ints]:
    """Of each code: mean, greatest value, and where the first of these is; NaN and -1 for none."""
    counts = np.bincount(codes, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(codes, weights=values, minlength=size) / counts
    high, best = np.full(size, -np.inf), np.full(size, -1, np.int64)
    np.maximum.at(high, codes, values)
    at = np.flatnonzero(values == high[codes])[::-1]
    best[codes[at]] = at
    high[best < 0] = np.nan
    return mean, high, best


def _in_order(names: Sequence[str]) -> list[str]:
    """Figures of trading first, then those of hits."""

    def rank(name: str) -> tuple[int, int]:
        last = name.rpartition(".")[2]
        if last in FIRST:
            return 0, FIRST.index(last)
        hits = next((n for n, prefix in enumerate(PREFIXES) if last.startswith(prefix)), None)
        return (2, 0) if hits is None else (1, hits)

    return sorted(names, key=rank)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else text_of(value).strip("()")


def _rounded(values: Floats) -> list[float | None]:
    """Figures as JSON has them, in six digits: null where there is none."""
    return [None if not math.isfinite(one) else float(f"{one:.6g}") for one in values.tolist()]
