"""What variants came to session by session, from which figures of any sessions are made."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.analysis.exact_sums import clustered_t
from engine.analysis.metrics import METRICS
from engine.optimize.objective import STRATEGY, Objective
from engine.panel.bars import Floats, Ints

NAMES = ("hits", "count", "total", "wins", "returns")


@dataclass
class SessionResults:
    """Results of variants, float64[sessions, variants] each; NaN for what was not judged.

    hits     hits of a session
    count    of them, those that have a return at the objective's horizon (or an excess)
    total    the sum of these returns
    wins     how many of them are above 0
    returns  a session's return: the mean of its hits' returns, or the account's; 0 without a hit
    """

    dates: list[dt.date]
    objective: Objective
    arrays: dict[str, Floats] = field(repr=False)

    @classmethod
    def empty(cls, dates: list[dt.date], variants: int, objective: Objective) -> SessionResults:
        """Of so many variants, none judged yet."""
        shape = len(dates), variants
        return cls(dates, objective, {name: np.full(shape, np.nan) for name in NAMES})

    @property
    def returns(self) -> Floats:
        """float64[sessions, variants]."""
        return self.arrays["returns"]

    def known(self, sessions: Ints) -> NDArray[np.bool_]:
        """Which variants were judged in all of some sessions, bool[variants]."""
        return np.asarray(~np.isnan(self.returns[sessions]).any(axis=0))

    def put(self, rows: Ints, variants: Ints, judged: dict[str, Floats]) -> None:
        """Keep what was judged, float64[len(rows), len(variants)] each."""
        for name, values in judged.items():
            self.arrays[name][np.ix_(rows, variants)] = values

    def figures(self, sessions: Ints) -> Floats:
        """The objective of each variant in some sessions, float64[variants].

        NaN where it is not defined.

        The figures are those of variants.parquet of a sweep over these sessions alone.
        """
        if self.objective.kind == STRATEGY:
            own = self.returns[sessions]
            measure = METRICS[self.objective.base]
            return np.array(
                [measure(column) if not np.isnan(column).any() else np.nan for column in own.T]
            )
        part = {name: self.arrays[name][sessions] for name in NAMES}
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self._of_hits(part, len(sessions)), np.float64)

    def _of_hits(self, part: dict[str, Floats], sessions: int) -> Any:
        hits, count, total = part["hits"], part["count"], part["total"]
        counts, mean = count.sum(axis=0), total.sum(axis=0) / count.sum(axis=0)
        found: dict[str, Any] = {
            "hits": hits.sum(axis=0),
            "hits_a_session": hits.sum(axis=0) / sessions,
            "sessions": (hits > 0).sum(axis=0),
            "count": counts,
            "win_rate": part["wins"].sum(axis=0) / counts,
            "mean": mean,
            "excess": mean,
            "t": clustered_t(
                counts,
                mean,
                (count > 0).sum(axis=0),
                (total**2).sum(axis=0),
                (total * count).sum(axis=0),
                (count**2).sum(axis=0),
            ),
        }
        return np.where(np.isnan(counts), np.nan, found[self.objective.base])
