"""Resamples of a series in blocks of random length, so that what follows what is kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.statistics.sharpe import Floats

Ints = NDArray[np.int64]
RESAMPLES, SEED = 1_000, 7


def stationary_bootstrap(
    periods: int, block: float, resamples: int = RESAMPLES, seed: int = SEED
) -> Ints:
    """Periods drawn, int64[resamples, periods]: runs that begin anywhere and wrap around at the
    end.

    block  mean length of a run, 1 or more: each period begins a new one with probability 1 / block

    Dimitris Politis, Joseph Romano, The Stationary Bootstrap, JASA 89 (1994).
    """
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, periods, (resamples, periods))
    begins = rng.random((resamples, periods)) <= 1.0 / block
    begins[:, 0] = True
    places = np.arange(periods)
    since = np.maximum.accumulate(np.where(begins, places, 0), axis=1)  # where the run began
    return (np.take_along_axis(starts, since, axis=1) + places - since) % periods


def resampled_means(values: Floats, drawn: Ints) -> Floats:
    """Means of resamples, float64 [resamples, variants], of values, float64 [periods, variants]."""
    resamples, periods = drawn.shape
    rows = np.repeat(np.arange(resamples), periods)
    counts = np.zeros((resamples, periods))
    np.add.at(counts, (rows, drawn.ravel()), 1.0)
    means: Floats = counts @ values / periods
    return means


def long_run_variance(values: Floats, block: float) -> Floats:
    """Variance of the root of periods times the mean, float64[variants], as the bootstrap has it.

    values  float64[periods, variants]

    Autocovariances at lag i are weighed by (1 - i/n) (1 - p)**i + i/n (1 - p)**(n - i), p = 1 /
    block: Politis and Romano (1994), lemma 1. By Fourier transform, as there are as many lags as
    periods.
    """
    periods, variants = values.shape
    lags = np.arange(periods)
    stays = 1.0 - 1.0 / block
    weights = (1 - lags / periods) * stays**lags + lags / periods * stays ** (periods - lags)
    weights[1:] *= 2.0
    variance = np.empty(variants)
    for start in range(0, variants, 1_000):  # so many at a time, for memory
        centred = values[:, start : start + 1_000] - values[:, start : start + 1_000].mean(axis=0)
        spectrum = np.fft.rfft(centred, 2 * periods, axis=0)
        covariances = np.fft.irfft(np.abs(spectrum) ** 2, 2 * periods, axis=0)[:periods] / periods
        variance[start : start + 1_000] = weights @ covariances
    return np.maximum(variance, 0.0)
