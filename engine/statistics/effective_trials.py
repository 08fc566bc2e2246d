"""How many independent variants a set of correlated ones is worth."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike

from engine.statistics.checked import checked_returns
from engine.statistics.sharpe import ROUNDING

VARIANTS = 500  # at a time, so that what is made of them stays small


def effective_trials(returns: ArrayLike) -> float:
    """Effective number of trials of returns, float64[periods, variants].

    1 to the number of variants.

        r + (1 - r) * N,  r = mean correlation of two different variants, N = variants

    Variants with the same returns in every period are one, and a variant whose returns do not vary
    correlates with nothing and is left out, for it can not be chosen; where none varies the number
    is 1. Where variants move against each other on average, each counts. David H. Bailey, Marcos
    Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5) (2014),
    appendix 3. Of variants that fall into groups the number is too large rather than too small,
    which errs on the side of luck.
    """
    values = checked_returns(returns)
    total, count, seen = np.zeros(len(values)), 0, set()
    for start in range(0, values.shape[1], VARIANTS):
        block = np.ascontiguousarray(values[:, start : start + VARIANTS].T) + 0.0  # no -0
        deviations = block - block.mean(axis=1, keepdims=True)
        lengths = np.sqrt(np.einsum("vp,vp->v", deviations, deviations))
        varying = lengths > ROUNDING * np.sqrt(len(values)) * np.abs(block).max(axis=1)
        for place in np.flatnonzero(varying):
            digest = hashlib.blake2b(block[place].tobytes(), digest_size=16).digest()
            varying[place] = digest not in seen
            seen.add(digest)
        total += (deviations[varying] / lengths[varying, None]).sum(axis=0)
        count += int(varying.sum())
    if count < 2:
        return 1.0
    # the correlations of all pairs add up to the square of the sum of the unit vectors
    mean = (float(np.sum(total**2)) - count) / (count * (count - 1))
    return float(np.clip(mean + (1.0 - mean) * count, 1.0, count))
