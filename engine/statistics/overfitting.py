"""Probability of backtest overfitting: how often the best of several is below the middle
elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import ConfigError
from engine.runtime.threads import in_threads
from engine.statistics.checked import checked_returns
from engine.statistics.half_sharpes import best_of_halves, count_below, part_sums, union_sums
from engine.statistics.sharpe import Floats

PARTS, MOST_PARTS = 16, 20
LEAST_PERIODS = 2  # of a half, for a standard deviation
VARIANTS = 512  # at a time, so that the sums of all unions of parts stay in the cache
SPLITS = 512  # of a job

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Overfitting:
    """What becomes of the variant that is best in one half of the periods, in the other half.

    probability  share of splits in which it is not above the median there: the PBO
    loss         share of splits in which its Sharpe ratio there is below 0
    parts        that the periods are cut into
    logits       float64[splits]: ln(w / (1 - w)) of its relative rank w there
    chosen       int64[splits]: the variant
    in_sample, out_of_sample  float64[splits]: its Sharpe ratio a period in both halves
    """

    probability: float
    loss: float
    parts: int
    logits: Floats = field(repr=False)
    chosen: Ints = field(repr=False)
    in_sample: Floats = field(repr=False)
    out_of_sample: Floats = field(repr=False)

    @property
    def splits(self) -> int:
        """How many ways there are to take half of the parts."""
        return len(self.logits)


def overfitting(returns: ArrayLike, parts: int = PARTS) -> Overfitting:
    """Combinatorially symmetric cross-validation (CSCV) of returns, float64[periods, variants].

    1. The periods are cut into `parts` parts in order, whose lengths differ by 1 at most.
    2. Each half of the parts is in sample once, the rest out of sample: 12,870 splits of 16.
    3. In sample the variant with the largest Sharpe ratio is chosen; of equal ones the first.
    4. Its rank r out of sample, 1 for the lowest of N variants, is the mean of the ranks of those
       that equal it; w = r / (N + 1), so that neither 0 nor 1 occurs, and the logit is ln(w / (1 -
       w)).
    5. PBO is the share of splits whose logit is 0 or below: the median is not good enough.

    A half in which a variant's returns do not vary (it held nothing) has a Sharpe ratio of 0;
    ratios that agree in seven digits are equal. Ratios come from sums and sums of squares of the
    parts; a split and its complement are computed together, some variants at a time, on all cores.
    David H. Bailey, Jonathan M. Borwein, Marcos Lopez de Prado, Qiji Jim Zhu, The Probability of
    Backtest Overfitting, Journal of Computational Finance 20(4) (2017).
    """
    values = checked_returns(returns)
    periods, variants = values.shape
    edges = _edges(periods, variants, parts)
    rows, lengths = _halves(parts, np.diff(edges))
    sums = _sums(values, edges)
    shape = (len(rows), 2)
    chosen, (inside, outside) = np.full(shape, -1), np.empty((2, *shape))
    for offset, tables in _blocks(*sums):
        job = partial(
            _call, best_of_halves, rows, lengths, *tables, offset, chosen, inside, outside
        )
        in_threads(job, _jobs(len(rows)))
    below, equal = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for _, tables in _blocks(*sums):
        job = partial(_call, count_below, rows, lengths, *tables, outside, below, equal)
        in_threads(job, _jobs(len(rows)))
    relative = (below + (equal + 1) / 2).ravel() / (variants + 1)
    logits = np.log(relative / (1.0 - relative))
    return Overfitting(
        probability=float(np.mean(logits <= 0.0)),
        loss=float(np.mean(outside < 0.0)),
        parts=parts,
        logits=logits,
        chosen=chosen.ravel(),
        in_sample=_root(inside),
        out_of_sample=_root(outside),
    )


def parts_for(periods: int) -> int | None:
    """The most parts that CSCV can cut so few periods into, 16 at the most; None where it cannot.

    A part is to have two periods at least, and 4 parts are the fewest with more than two splits.
    """
    parts = min(PARTS, periods // 4 * 2)
    return parts if parts >= 4 else None


def _edges(periods: int, variants: int, parts: int) -> Ints:
    """Where parts begin and the last ends, int64[parts + 1]."""
    if parts % 2 or not 2 <= parts <= MOST_PARTS:
        raise ConfigError(f"{parts} parts", expected=f"an even number from 2 to {MOST_PARTS}")
    if variants < 2:
        raise ConfigError(f"{variants} variants", expected="2 or more to choose from")
    if periods // parts * (parts // 2) < LEAST_PERIODS:
        raise ConfigError(
            f"{periods} periods in {parts} parts",
            expected=f"{LEAST_PERIODS} periods or more in each half",
            fix="take fewer parts, or more periods",
        )
    return np.arange(parts + 1, dtype=np.int64) * periods // parts


def _halves(parts: int, lengths: Ints) -> tuple[Ints, Ints]:
    """Halves that hold the first part, as rows of the tables of unions, and how long they are.

    Returns int64[splits / 2, 2] twice: rows in the tables of the first and of the last parts;
    periods of the half and of its complement.
    """
    sets = np.arange(1, 1 << parts, 2, dtype=np.int64)  # bit 0: the first part
    held = (sets[:, None] >> np.arange(parts)) & 1
    sets, held = sets[held.sum(axis=1) == parts // 2], held[held.sum(axis=1) == parts // 2]
    first = parts // 2
    inside = held @ lengths
    return (
        np.column_stack([sets & ((1 << first) - 1), sets >> first]),
        np.column_stack([inside, lengths.sum() - inside]),
    )


def _sums(returns: Floats, edges: Ints) -> tuple[Floats, Floats]:
    """Sums of parts and sums of their squares, float64[parts, variants] each."""
    values = np.ascontiguousarray(returns)
    sums, squares = np.empty((2, len(edges) - 1, values.shape[1]))

    def add_up(part: int) -> None:
        part_sums(part, edges[part], edges[part + 1], values, sums, squares)

    in_threads(add_up, range(len(sums)))
    return sums, squares


def _blocks(sums: Floats, squares: Floats) -> Iterator[tuple[int, list[Floats]]]:
    """Some variants at a time: the first one's number, and the sums of all unions of parts.

    The tables: sums of the first parts, of the last parts, squares of the first, of the last;
    float64[2**(parts / 2), variants] each.
    """
    first = len(sums) // 2
    for offset in range(0, sums.shape[1], VARIANTS):
        tables = []
        for values in (sums, squares):
            block = np.ascontiguousarray(values[:, offset : offset + VARIANTS])
            for parts in (block[:first], block[first:]):
                union = np.empty((1 << len(parts), block.shape[1]))
                union_sums(parts, union)
                tables.append(union)
        yield offset, tables


def _call(kernel: Callable[..., None], *given: Any) -> None:
    """Call a kernel over a job, which comes last, as `begin, end`."""
    *rest, (begin, end) = given
    kernel(begin, end, *rest)


def _jobs(splits: int) -> list[tuple[int, int]]:
    return [(begin, min(splits, begin + SPLITS)) for begin in range(0, splits, SPLITS)]


def _root(signed_squares: Floats) -> Floats:
    """Ratios of ratio * |ratio|."""
    return (np.sign(signed_squares) * np.sqrt(np.abs(signed_squares))).ravel()
