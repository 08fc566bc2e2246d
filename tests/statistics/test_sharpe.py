"""Sharpe ratios, probabilistic, deflated, and lengths, against what their papers print and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engine.errors import ConfigError
from engine.statistics.backtest_length import minimum_backtest_length
from engine.statistics.deflated_sharpe import chance_of_best, deflated_sharpe, normal_score
from engine.statistics.effective_trials import effective_trials
from engine.statistics.expected_maximum import expected_maximum
from engine.statistics.probabilistic_sharpe import probabilistic_sharpe
from engine.statistics.sharpe import Sharpe
from engine.statistics.track_record import minimum_track_record

# Bailey and Lopez de Prado (2012): monthly returns of a fund, an annual ratio of 1.585 over two years
FUND = Sharpe(1.585 / math.sqrt(12), 24, -2.448, 10.164)
# Bailey and Lopez de Prado (2014): an annual ratio of 2.5 over five years, best of 100
BEST = Sharpe(2.5 / math.sqrt(250), 1250, -3.0, 10.0)


def test_expected_maximum() -> None:
    assert expected_maximum(100) == pytest.approx(2.5306028932, abs=1e-10)
    assert expected_maximum(1) == 0.0


@pytest.mark.parametrize("trials", [2, 10, 100, 10_000])
def test_expected_maximum_is_near_that_of_the_distribution(trials: int) -> None:
    x = np.linspace(-10, 10, 200_001)
    density = trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (trials - 1)
    exact = np.trapezoid(x * density, x)
    assert expected_maximum(trials) == pytest.approx(exact, abs=0.06)


@given(st.floats(1, 1e9), st.floats(1, 1e9))
def test_more_trials_have_a_larger_maximum(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= expected_maximum(low) <= expected_maximum(high)


def test_many_trials_keep_their_digits() -> None:
    gumbel = 0.5772156649015329
    exact = (1 - gumbel) * stats.norm.isf(1e-15) + gumbel * stats.norm.isf(1e-15 / math.e)
    assert expected_maximum(1e15) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("trials", [0.5, 0, -1, math.nan])
def test_fewer_than_one_trial_are_refused(trials: float) -> None:
    with pytest.raises(ConfigError, match="expected 1 or more"):
        expected_maximum(trials)


def test_probabilistic_sharpe() -> None:
    assert probabilistic_sharpe(FUND) == pytest.approx(0.9132343069, abs=1e-10)


def test_deflated_sharpe() -> None:
    assert deflated_sharpe(BEST, 100, 0.5 / 250) == pytest.approx(0.9003968345, abs=1e-10)


def test_minimum_track_record_is_where_the_probabilistic_sharpe_reaches_it() -> None:
    periods = minimum_track_record(FUND, 0.1, 0.9)
    one = Sharpe(FUND.ratio, 2, FUND.skewness, FUND.kurtosis)
    above = math.sqrt(periods - 1) * (one.ratio - 0.1) / one.spread
    assert stats.norm.cdf(above) == pytest.approx(0.9, abs=1e-12)
    assert minimum_track_record(FUND, FUND.ratio) == math.inf


def test_minimum_track_record_of_the_paper() -> None:
    """Bailey and Lopez de Prado (2012), exhibit 2: an annual ratio of 2 in daily returns, 2.73 years.

    The table has 2.73 years for normal daily returns against a benchmark of 1.
    """
    daily = Sharpe(2 / math.sqrt(252), 252)
    assert minimum_track_record(daily, 1 / math.sqrt(252)) / 252 == pytest.approx(2.73, abs=0.01)


def test_minimum_backtest_length() -> None:
    """Bailey and others (2014): five years are enough for 45 variants and no more."""
    assert minimum_backtest_length(45, 1.0) == pytest.approx(4.998087, abs=1e-6)
    assert minimum_backtest_length(46, 1.0) > 5.0


def test_moments_are_scipys() -> None:
    returns = np.random.default_rng(3).standard_t(4, 500) * 0.01 + 0.001
    found = Sharpe.of(returns)
    assert found.ratio == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert found.skewness == pytest.approx(stats.skew(returns))
    assert found.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))


@pytest.mark.parametrize("returns", [[], [0.1], [0.0, 0.0], [0.1] * 7, [1e-3 / 3] * 50])
def test_returns_that_do_not_vary_have_no_ratio(returns: list[float]) -> None:
    found = Sharpe.of(np.array(returns))
    assert math.isnan(found.ratio) and math.isnan(probabilistic_sharpe(found))
    assert math.isnan(chance_of_best(found, 10)) and math.isnan(minimum_track_record(found))


def test_impossible_moments_have_no_standard_error() -> None:
    assert math.isnan(probabilistic_sharpe(Sharpe(1.0, 100, 3.0, 1.0)))


@pytest.mark.parametrize("trials", [1, 20, 400])
def test_the_chance_of_the_best_is_what_noise_gives(trials: int) -> None:
    """Of 4,000 sets of worthless variants, the best of so many looks as good in that share."""
    rng = np.random.default_rng(5)
    looked = Sharpe(0.029, 10_001)
    best = np.max(rng.normal(0.0, 0.01, (4_000, trials)), axis=1)
    assert chance_of_best(looked, trials) == pytest.approx(np.mean(best >= looked.ratio), abs=0.02)


def test_a_chance_that_is_small_keeps_its_digits() -> None:
    few = chance_of_best(Sharpe(0.4, 1_001), 10)
    assert few == pytest.approx(10 * stats.t.sf(0.4 * math.sqrt(1_001), 1_000), rel=0.05)


@pytest.mark.parametrize("degrees", [9, 24, 100])
@pytest.mark.parametrize("t", [-2.0, 0.0, 1.0, 3.0, 4.0])
def test_normal_scores_have_students_tails(t: float, degrees: int) -> None:
    assert stats.norm.sf(normal_score(t, degrees)) == pytest.approx(
        stats.t.sf(t, degrees), rel=0.02
    )


def test_effective_trials_by_pairs() -> None:
    rng = np.random.default_rng(11)
    returns = rng.normal(size=(300, 1)) + rng.normal(size=(300, 12))
    correlations = np.corrcoef(returns.T)
    mean = correlations[~np.eye(12, dtype=bool)].mean()
    assert effective_trials(returns) == pytest.approx(mean + (1 - mean) * 12)


def test_equal_variants_are_one_and_idle_ones_none() -> None:
    rng = np.random.default_rng(12)
    returns = rng.normal(size=(100, 6))
    more = np.column_stack([returns, returns, np.zeros((100, 4)), np.full((100, 1), 0.1)])
    assert effective_trials(more) == effective_trials(returns)
    assert effective_trials(np.zeros((100, 4))) == 1.0
    assert effective_trials(returns[:, :1]) == 1.0


def test_independent_variants_count_whole() -> None:
    returns = np.random.default_rng(13).normal(size=(2_000, 100))
    assert effective_trials(returns) == pytest.approx(100, abs=1)
    assert effective_trials(np.column_stack([returns[:, 0], -returns[:, 0]])) == 2.0


def test_returns_that_are_no_numbers_are_refused() -> None:
    returns = np.zeros((5, 3))
    returns[2, 1] = math.nan
    with pytest.raises(ConfigError, match="variant 1 in period 2 is nan"):
        effective_trials(returns)
    with pytest.raises(ConfigError, match="shape"):
        effective_trials(np.zeros(5))
