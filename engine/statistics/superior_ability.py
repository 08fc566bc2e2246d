"""Whether the best of several variants is better than nothing, whatever they have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.statistics.checked import checked_returns
from engine.statistics.sharpe import ROUNDING, Floats
from engine.statistics.stationary_bootstrap import (
    Ints,
    long_run_variance,
    resampled_means,
    stationary_bootstrap,
)

LEAST_PERIODS = 3  # the iterated logarithm of fewer is not defined
SIZE = 0.05


@dataclass(frozen=True)
class SuperiorAbility:
    """p-values of Hansen's test; small: the best variant is better than nothing.

    consistent    Hansen's own, `spa_c`: variants that are clearly worse than nothing do not matter
    lower, upper  its bounds: those with a mean below 0 do not matter; all do (White's reality
                  check)
    """

    lower: float
    consistent: float
    upper: float


@dataclass(frozen=True)
class Bootstrapped:
    """Means of variants and of their resamples, in standard errors.

    means      float64[variants]
    resampled  float64[resamples, variants]
    relevant   bool[variants]: not clearly worse than nothing

    Standard errors are those of independent periods; that periods depend on each other is in the
    resamples. Divided by the long-run deviation, as Hansen has it, the best of 40 variants of pure
    noise has a p-value below 0.05 in 22 % of the cases with 250 periods and in 50 % with 44 (normal
    returns, runs of the root of the periods); so divided, in 4 % and 7 %.
    """

    means: Floats
    resampled: Floats
    relevant: np.ndarray

    @classmethod
    def of(
        cls, returns: ArrayLike, block: float | None = None, drawn: Ints | None = None
    ) -> Bootstrapped:
        """Of returns over the benchmark's, float64[periods, variants].

        block  mean length of a run of the stationary bootstrap; the cube root of the number of
               periods
        drawn  int64[resamples, periods]: resamples to use; `stationary_bootstrap`'s where left out

        A variant whose returns do not vary has no standard error: its mean and resamples are 0.
        """
        values = checked_returns(returns, LEAST_PERIODS)
        periods = len(values)
        length = block or periods ** (1 / 3)
        picks = stationary_bootstrap(periods, length) if drawn is None else drawn
        deviations, largest = values.std(axis=0, ddof=1), np.abs(values).max(axis=0)
        varies = deviations > ROUNDING * largest
        errors = np.where(varies, deviations / math.sqrt(periods), np.inf)
        means = values.mean(axis=0)
        spread = np.sqrt(long_run_variance(values, length) / periods)
        relevant = means >= -spread * math.sqrt(2.0 * math.log(math.log(periods)))
        return cls(means / errors, resampled_means(values, picks) / errors, relevant)

    def largest(self, centre: Floats, chosen: np.ndarray | slice = slice(None)) -> Floats:
        """Largest resampled mean less `centre`, float64[resamples], of some variants."""
        return np.asarray((self.resampled[:, chosen] - centre[chosen]).max(axis=1))


def superior_ability(bootstrapped: Bootstrapped) -> SuperiorAbility:
    """Hansen's test of superior predictive ability (SPA).

    The statistic is the largest mean in standard errors (`Bootstrapped`). A p-value is the share of
    resamples in which the largest mean, less what the null hypothesis takes for the true ones, is
    above it; the three differ in which variants are centred at their own mean and which at 0. Peter
    Reinhard Hansen, A Test for Superior Predictive Ability, Journal of Business & Economic
    Statistics 23(4) (2005); Halbert White, A Reality Check for Data Snooping, Econometrica 68(5)
    (2000).
    """
    means = bootstrapped.means
    centres = np.maximum(means, 0.0), np.where(bootstrapped.relevant, means, 0.0), means
    best = means.max()
    return SuperiorAbility(
        *(float(np.mean(bootstrapped.largest(centre) > best)) for centre in centres)
    )


def superior_variants(bootstrapped: Bootstrapped, size: float = SIZE) -> list[int]:
    """Romano and Wolf's StepM: variants that are better than nothing, by number, in order.

    That one of them is not has a probability of at most `size`, however many there are. The
    critical value is the 1 - `size` quantile of the largest resampled mean, of the variants not yet
    found, centred as in Hansen's consistent test; those above it are found, and the rest is asked
    again. Joseph Romano, Michael Wolf, Stepwise Multiple Testing as Formalized Data Snooping,
    Econometrica 73(4) (2005).
    """
    means = bootstrapped.means
    centre = np.where(bootstrapped.relevant, means, 0.0)
    left = np.ones(len(means), np.bool_)
    while left.any():
        critical = np.quantile(bootstrapped.largest(centre, left), 1.0 - size)
        found = left & (means > critical)
        if not found.any():
            break
        left &= ~found
    return [int(variant) for variant in np.flatnonzero(~left)]
