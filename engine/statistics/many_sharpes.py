"""Sharpe ratios a period of many variants at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.statistics.sharpe import ROUNDING, Floats

VARIANTS = 500  # at a time, so that what is made of them stays small


@dataclass(frozen=True)
class ManySharpes:
    """float64[variants] each, as in `Sharpe`; NaN for a variant whose returns do not vary."""

    ratio: Floats
    skewness: Floats
    kurtosis: Floats

    @classmethod
    def of(cls, returns: Floats) -> ManySharpes:
        """Of returns, float64[periods, variants]."""
        periods, variants = returns.shape
        found = np.full((3, variants), np.nan)
        for start in range(0, variants, VARIANTS):
            block = returns[:, start : start + VARIANTS]
            means = block.mean(axis=0)
            centred = block - means
            second, third, fourth = (np.mean(centred**power, axis=0) for power in (2, 3, 4))
            known = np.sqrt(second) > ROUNDING * np.abs(block).max(axis=0)
            deviation = np.sqrt(second * periods / max(1, periods - 1))
            with np.errstate(invalid="ignore", divide="ignore"):
                made = means / deviation, third / second**1.5, fourth / second**2
            found[:, start : start + VARIANTS] = np.where(known, made, np.nan)
        return cls(*found)

    def scores(self, periods: int) -> Floats:
        """Normal scores of a true ratio of 0 over so many independent periods; NaN for no ratio."""
        return normal_scores(self.ratio * math.sqrt(periods), np.float64(max(1, periods - 1)))


def normal_scores(t: Floats, degrees: Floats | np.float64) -> Floats:
    """`normal_score` of many t-statistics, float64 of their shape; NaN stays NaN."""
    size = (8 * degrees + 1) / (8 * degrees + 3) * np.sqrt(degrees * np.log1p(t * t / degrees))
    return np.asarray(np.copysign(size, t))
