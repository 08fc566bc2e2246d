"""The expected largest of several standard normal numbers."""

from __future__ import annotations

import math
from statistics import NormalDist

from engine.errors import ConfigError

EULER = 0.5772156649015329
NORMAL = NormalDist()


def expected_maximum(trials: float) -> float:
    """What the largest of `trials` independent standard normals comes to on average.

        (1 - g) * z(1 - 1/N) + g * z(1 - 1/(N e)),  g = Euler's constant, z = normal quantile

    David H. Bailey, Marcos Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio
    Management 40(5) (2014), after Fisher, Tippett and Gnedenko; it lies above the exact value by
    0.05 at 10 trials and by 0.02 at 100. `trials` may be an effective number, which is no whole
    one. The formula does not hold below 2: there the value goes in a line from 0 at 1 trial.
    """
    if not trials >= 1.0:
        raise ConfigError(f"{trials} trials", expected="1 or more")
    if trials < 2.0:
        return (trials - 1.0) * expected_maximum(2.0)
    # -z(p) is z(1 - p), and keeps its digits where p is small
    return -(1.0 - EULER) * NORMAL.inv_cdf(1.0 / trials) - EULER * NORMAL.inv_cdf(
        1.0 / (trials * math.e)
    )
