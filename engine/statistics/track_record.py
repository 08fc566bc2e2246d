"""How long a track record has to be before its Sharpe ratio can be believed."""

from __future__ import annotations

import math
from statistics import NormalDist

from engine.statistics.sharpe import Sharpe


def minimum_track_record(sharpe: Sharpe, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Periods after which the probabilistic Sharpe ratio reaches `confidence`, no whole number.

        1 + (1 - skewness SR + (kurtosis - 1) / 4 SR**2) * (z(confidence) / (SR - SR*))**2

    Infinite where the ratio is not above `benchmark` (both a period): then no length is enough. NaN
    where the ratio is not defined. David H. Bailey, Marcos Lopez de Prado, The Sharpe Ratio
    Efficient Frontier, Journal of Risk 15(2) (2012).
    """
    if sharpe.ratio <= benchmark:
        return math.inf
    score = NormalDist().inv_cdf(confidence)
    return 1.0 + (sharpe.spread * score / (sharpe.ratio - benchmark)) ** 2
