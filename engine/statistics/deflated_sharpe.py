"""A Sharpe ratio that was chosen as the best of several, less what luck alone gives the best."""

from __future__ import annotations

import math
from statistics import NormalDist

from engine.statistics.expected_maximum import expected_maximum
from engine.statistics.probabilistic_sharpe import probabilistic_sharpe
from engine.statistics.sharpe import Sharpe


def deflated_sharpe(sharpe: Sharpe, trials: float, variance: float) -> float:
    """Probability that the true Sharpe ratio is above what the best of `trials` worthless ones has.

        PSR with SR* = sqrt(variance) * expected_maximum(trials)

    trials    effective number of independent trials, 1 or more
    variance  of the Sharpe ratios (a period) among the trials

    David H. Bailey, Marcos Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio
    Management 40(5) (2014).
    """
    return probabilistic_sharpe(sharpe, math.sqrt(variance) * expected_maximum(trials))


def chance_of_best(sharpe: Sharpe, trials: float) -> float:
    """Probability that the best of `trials` independent worthless variants looks as good, 0 to 1.

        1 - (1 - p) ** trials,  p = upper tail of Student's t at ratio * sqrt(periods)

    A worthless variant's true Sharpe ratio is 0, so nothing of the best one's own skewness goes
    into its standard error: what is chosen for its ratio is often chosen for a skewness of few
    periods. NaN where the ratio is not defined, or there are fewer than two periods.
    """
    if math.isnan(sharpe.ratio) or sharpe.periods < 2:
        return math.nan
    score = normal_score(sharpe.ratio * math.sqrt(sharpe.periods), sharpe.periods - 1)
    beyond = NormalDist().cdf(-score)  # keeps its digits where it is small
    return 1.0 if beyond >= 1.0 else -math.expm1(trials * math.log1p(-beyond))


def normal_score(t: float, degrees: float) -> float:
    """The standard normal number whose upper tail is that of a t-statistic.

        (8 n + 1) / (8 n + 3) * sqrt(n log(1 + t**2 / n)),  n = degrees of freedom, sign of t

    David L. Wallace, Bounds on Normal Approximations to Student's and the Chi-Square Distributions,
    Annals of Mathematical Statistics 30 (1959). The tail is right to 2 % of itself up to t = 4 from
    9 degrees on.
    """
    size = (8 * degrees + 1) / (8 * degrees + 3) * math.sqrt(degrees * math.log1p(t * t / degrees))
    return math.copysign(size, t)
