"""Sums of returns by session, and the figures that come of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.analysis.exact_sums import LEAST_SESSIONS, clustered_t, joined, split
from engine.panel.bars import Floats
from engine.statistics.expected_maximum import expected_maximum

BASIS = 10_000  # bins of the histograms are a basis point wide, from -100 % to 100 %


RESAMPLES = 1_000


SEED = 7


class Tally:
    """Sums of returns, added session by session.

    whole    whether the figures include a median and a bootstrap interval
    of_wins  whether the figures include a win rate (a return above 0 is a win)
    """

    def __init__(self, whole: bool, of_wins: bool = True):
        self._of_wins = of_wins
        self.count, self.total, self.wins = 0, 0.0, 0
        self._high, self._low = np.int64(0), np.int64(0)  # the exact sum of returns
        # sums over sessions: sums squared, sums times counts, counts squared
        self._sessions, self._squares, self._cross, self._counts = 0, 0.0, 0.0, 0.0
        self._bins = np.zeros(2 * BASIS + 1 if whole else 0, np.int64)
        self._by_session: list[tuple[int, float]] | None = [] if whole else None

    def add(self, returns: Floats, total: float | None = None) -> None:
        """Add one session's returns, float64 [hits] without NaN; `total` is their sum if known."""
        if not len(returns):
            return
        high, low = (part.sum() for part in split(returns))
        whole = total is None
        total = float(joined(high, low)) if total is None else total
        self.add_sums(len(returns), total, int((returns > 0).sum()))
        if whole:
            self._high, self._low = self._high + high, self._low + low
            self.total = float(joined(self._high, self._low))
        if self._by_session is not None:
            places = np.clip(np.rint(returns * BASIS), -BASIS, BASIS).astype(np.int64) + BASIS
            self._bins += np.bincount(places, minlength=len(self._bins))
            self._by_session.append((len(returns), total))

    def add_sums(self, count: int, total: float, wins: int) -> None:
        """Add one session's count of returns, their sum, and the count of wins."""
        self.count += count
        self.total += total
        self.wins += wins
        self._sessions += 1
        self._squares += total * total
        self._cross += total * count
        self._counts += float(count) * count

    def figures(self) -> dict[str, Any]:
        """Count, win rate, mean, t-statistic clustered by session; of `whole` also the median (to a
        basis point) and the interval of the mean.

        A return of exactly 0 is counted, but is no win. The t-statistic and the interval are None
        of fewer sessions than LEAST_SESSIONS.
        """
        if not self.count:
            return {"count": 0}
        mean = self.total / self.count
        won = self.wins / self.count if self._of_wins else None
        figures = {"count": self.count, "win_rate": won, "mean": mean, "t": self._t(mean)}
        if self._by_session is None:
            return figures
        low, high = self._interval(self._by_session)
        return figures | {"median": self._median(), "low": low, "high": high}

    def _median(self) -> float:
        upto = np.cumsum(self._bins)
        middle = [
            int(np.searchsorted(upto, rank))
            for rank in ((self.count + 1) // 2, self.count // 2 + 1)
        ]
        return (sum(middle) / 2 - BASIS) / BASIS

    def _t(self, mean: float) -> float | None:
        """The t-statistic, clustered by session: hits of one session are not independent, so
        residuals are summed by session before they are squared.
        """
        t = clustered_t(self.count, mean, self._sessions, self._squares, self._cross, self._counts)
        return None if np.isnan(t) else float(t)

    def _interval(self, by_session: list[tuple[int, float]]) -> tuple[float | None, float | None]:
        """The 95 % interval of the means of resampled sessions."""
        if len(by_session) < LEAST_SESSIONS:
            return None, None
        counts, totals = np.array(by_session).T
        rng = np.random.default_rng(SEED)
        means = []
        for _ in range(RESAMPLES):
            drawn = rng.integers(0, len(counts), len(counts))
            means.append(totals[drawn].sum() / counts[drawn].sum())
        low, high = np.quantile(means, [0.025, 0.975])
        return float(low), float(high)


def deflated(t: float | None, tried: int) -> float | None:
    """A t-statistic less the expected largest one of `tried` worthless variants, at least 0.

    A t-statistic of 0 or less is returned unchanged.

    David Bailey and Marcos Lopez de Prado, The Deflated Sharpe Ratio (2014): the expected largest
    of N standard normals.
    """
    if t is None or t <= 0.0 or tried < 2:
        return t
    return t - expected_maximum(tried)
