"""Sharpe ratio a period, skewness and kurtosis of returns, and what sampling leaves open of the
ratio.

Nothing here is annualized: a Sharpe ratio is a period's mean return over the period's standard
deviation, whatever the period is (a session, a month). Kurtosis is not the excess: 3 for a normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDING = 1e-9  # of the largest return by size: a smaller standard deviation is nothing


@dataclass(frozen=True)
class Sharpe:
    """A Sharpe ratio and the moments that say how sure it is.

    ratio     mean over standard deviation (sample, divisor periods - 1), a period
    periods   how many returns there are
    skewness  m3 / m2**1.5, of central moments with divisor periods
    kurtosis  m4 / m2**2, not the excess
    """

    ratio: float
    periods: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    @classmethod
    def of(cls, returns: Floats) -> Sharpe:
        """Of returns, float64[periods]; NaN where they do not vary, or are fewer than two."""
        periods = len(returns)
        if periods < 2 or not np.std(returns) > ROUNDING * float(np.max(np.abs(returns))):
            return cls(math.nan, periods, math.nan, math.nan)
        mean = float(np.mean(returns))
        centred = returns - mean
        second, third, fourth = (float(np.mean(centred**power)) for power in (2, 3, 4))
        ratio = mean / math.sqrt(second * periods / (periods - 1))
        return cls(ratio, periods, third / second**1.5, fourth / second**2)

    @property
    def spread(self) -> float:
        """Standard error of the ratio times the root of (periods - 1); NaN where it is not defined.

        1 for a ratio of 0. Elmar Mertens, Comments on variance of the IID estimator in Lo (2002),
        note (2002): 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2.
        """
        squared = 1.0 - self.skewness * self.ratio + (self.kurtosis - 1.0) / 4.0 * self.ratio**2
        return math.sqrt(squared) if squared > 0.0 else math.nan
