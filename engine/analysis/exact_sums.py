"""Sums of returns that do not depend on their order, and the t-statistic that is made of sums by
session.

A return is a quotient of prices less 1, and so a whole multiple of 2**-53: sums of such multiples
are exact as integers. Two are kept, so that no sum runs over: a return is (high * 2**31 + low) *
2**-53 with 0 <= low < 2**31. What is no such multiple is rounded to one.

What hits came to over the symbols that did not hit (excess) is added up tick by tick in units of
the tick (engine/compute/demean_rows.py), exact within a tick; ticks, and then sessions, are added
in their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.compute.demean_rows import demean_rows, sum_excess
from engine.panel.bars import Floats, Ints

LOW = 31  # bits of the lower part
HIGH = 22  # bits of a return's fraction in the higher part
# With hits: of fewer, a spread between sessions says nothing, nor does a t-statistic or an
# interval.
LEAST_SESSIONS = 10
ROUNDING = 1e-12  # of the squares that a spread is the difference of: what is less is nothing


def split(returns: Floats) -> tuple[Ints, Ints]:
    """Returns as integers, the higher and the lower part of each."""
    scaled = returns * float(1 << HIGH)
    high = np.floor(scaled)
    low = np.rint((scaled - high) * float(1 << LOW))
    return high.astype(np.int64), low.astype(np.int64)


def joined(high: Any, low: Any) -> Any:
    """Sums of parts as the nearest float64."""
    high, low = np.asarray(high) + (np.asarray(low) >> LOW), np.asarray(low) & ((1 << LOW) - 1)
    return (high * float(1 << LOW) + low) * 2.0 ** -(HIGH + LOW)


def clustered_t(count: Any, mean: Any, sessions: Any, squares: Any, cross: Any, counts: Any) -> Any:
    """t-statistics of means whose residuals are added up by session before they are squared: hits
    of a session are not independent.

    count, sessions  of returns, and of sessions with one
    squares, cross, counts  sums over sessions: of squared sums, of sums times counts, of squared
                            counts
    NaN where there are fewer than LEAST_SESSIONS, and where sessions do not differ.
    """
    count, sessions = np.asarray(count, np.float64), np.asarray(sessions, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        squared = mean * mean * counts
        spread = squares - 2.0 * mean * cross + squared
        known = (sessions >= LEAST_SESSIONS) & (spread > ROUNDING * (squares + squared))
        error = np.sqrt(spread * sessions / (sessions - 1.0) / (count * count))
        return np.where(known, mean / error, np.nan)


@dataclass(frozen=True)
class Demeaned:
    """Returns of a session at one horizon, less the mean of each tick; see `demean_rows`.

    inside   bool[symbols]: whose mean it is
    values   float64[ticks, symbols], in units of the tick, NaN for none
    means, units, rest  float64[ticks]; known  int64[ticks]
    """

    inside: NDArray[np.bool_]
    values: Floats
    means: Floats
    units: Floats
    known: Ints
    rest: Floats

    @classmethod
    def of(cls, returns: Floats, inside: NDArray[np.bool_]) -> Demeaned:
        """Of float64[ticks, symbols]."""
        ticks, values = len(returns), np.empty(returns.shape)
        means, units, rest = np.empty((3, ticks))
        known = np.empty(ticks, np.int64)
        demean_rows(np.ascontiguousarray(returns), inside, means, units, known, rest, values)
        return cls(inside, values, means, units, known, rest)

    def excess(self, at: Ints, who: Ints) -> tuple[int, float, Floats]:
        """Of hits, at[i] the tick and who[i] the symbol: how many have an excess, their sum, and at
        each tick the others' mean.
        """
        ticks = len(self.known)
        counts, counts_in = np.zeros((2, ticks), np.int64)
        totals, totals_in = np.zeros((2, ticks))
        count, total = sum_excess(
            at,
            self.values[at, who],
            self.inside[who],
            self.known,
            self.rest,
            self.units,
            counts,
            totals,
            counts_in,
            totals_in,
        )
        others = self.known - counts_in
        with np.errstate(divide="ignore", invalid="ignore"):
            left = (self.rest - totals_in) / others * self.units
        return count, total, np.where(others > 0, self.means + left, np.nan)
