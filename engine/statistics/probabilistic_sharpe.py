"""How probable it is that a Sharpe ratio is above a benchmark, by its sample alone."""

from __future__ import annotations

import math
from statistics import NormalDist

from engine.statistics.sharpe import Sharpe


def probabilistic_sharpe(sharpe: Sharpe, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio is above `benchmark` (both a period), 0 to 1.

        cdf((SR - SR*) * sqrt(T - 1) / sqrt(1 - skewness SR + (kurtosis - 1) / 4 SR**2))

    David H. Bailey, Marcos Lopez de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk
    15(2) (2012). NaN where the ratio, or its standard error, is not defined.
    """
    score = sharpe_score(sharpe, benchmark)
    return math.nan if math.isnan(score) else NormalDist().cdf(score)


def sharpe_score(sharpe: Sharpe, benchmark: float = 0.0) -> float:
    """The Sharpe ratio over `benchmark` in standard errors.

    NaN where one of the two is not defined.
    """
    if sharpe.periods < 2:
        return math.nan
    return (sharpe.ratio - benchmark) * math.sqrt(sharpe.periods - 1) / sharpe.spread
