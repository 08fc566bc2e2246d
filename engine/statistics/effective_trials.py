"""How many independent variants a set of correlated ones is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from engine.statistics.checked import checked_returns
from engine.statistics.sharpe import ROUNDING


def effective_trials(returns: ArrayLike) -> float:
    """Effective number of trials of returns, float64[periods, variants]; 1 to the number of variants.

        r + (1 - r) * N,  r = mean correlation of two different variants, N = variants

    Variants with the same returns in every period are one, and a variant whose returns do not vary
    correlates with nothing and is left out, for it can not be chosen; where none varies the number
    is 1. Where variants move against each other on average, each counts.
    David H. Bailey, Marcos Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management
    40(5) (2014), appendix 3. Of variants that fall into groups the number is too large rather than
    too small, which errs on the side of luck.
    """
    values = checked_returns(returns)
    columns = np.ascontiguousarray(values.T) + 0.0  # of 0 and -0 one number
    first = {column.tobytes(): place for place, column in reversed([*enumerate(columns)])}
    different = values[:, sorted(first.values())]
    centred = different - different.mean(axis=0)
    varying = centred.std(axis=0) > ROUNDING * np.abs(different).max(axis=0, initial=0.0)
    scores = centred[:, varying] / np.linalg.norm(centred[:, varying], axis=0)
    count = int(scores.shape[1])
    if count < 2:
        return 1.0
    # the correlations of all pairs add up to the square of the sum of the unit vectors
    mean = (float(np.sum(scores.sum(axis=1) ** 2)) - count) / (count * (count - 1))
    return float(np.clip(mean + (1.0 - mean) * count, 1.0, count))
