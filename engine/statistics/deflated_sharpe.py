"""A Sharpe ratio that was chosen as the best of several, less what luck alone gives the best."""

from __future__ import annotations

import math
from statistics import NormalDist

from engine.statistics.expected_maximum import expected_maximum
from engine.statistics.probabilistic_sharpe import probabilistic_sharpe, sharpe_score
from engine.statistics.sharpe import Sharpe


def deflated_sharpe(sharpe: Sharpe, trials: float, variance: float) -> float:
    """Probability that the true Sharpe ratio is above what the best of `trials` worthless ones has.

        PSR with SR* = sqrt(variance) * expected_maximum(trials)

    trials    effective number of independent trials, 1 or more
    variance  of the Sharpe ratios (a period) among the trials

    David H. Bailey, Marcos Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management
    40(5) (2014).
    """
    return probabilistic_sharpe(sharpe, math.sqrt(variance) * expected_maximum(trials))


def chance_of_best(sharpe: Sharpe, trials: float) -> float:
    """Probability that the best of `trials` independent worthless variants looks as good, 0 to 1.

        1 - PSR(0) ** trials

    A worthless variant's true Sharpe ratio is 0. NaN where the ratio is not defined.
    """
    score = sharpe_score(sharpe)
    if math.isnan(score):
        return math.nan
    beyond = NormalDist().cdf(-score)  # keeps its digits where it is small
    return 1.0 if beyond >= 1.0 else -math.expm1(trials * math.log1p(-beyond))
