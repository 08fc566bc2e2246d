"""Hansen's SPA and Romano and Wolf's StepM, against the package `arch`; Benjamini and Hochberg, scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engine.errors import ConfigError
from engine.statistics.false_discovery import adjusted_p_values
from engine.statistics.stationary_bootstrap import (
    long_run_variance,
    resampled_means,
    stationary_bootstrap,
)
from engine.statistics.superior_ability import (
    Bootstrapped,
    SuperiorAbility,
    superior_ability,
    superior_variants,
)
from tests.statistics.oracles import oracle

PERIODS, BLOCK, RESAMPLES = 250, 15, 500


def some_returns(seed: int) -> np.ndarray:
    """30 variants of different size: some better than nothing, some clearly worse."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 1.0, (PERIODS, 30)) * rng.uniform(0.2, 3.0, 30)
    returns[:, :5] += 0.075 * seed
    returns[:, 5:9] -= 0.3
    return returns


@pytest.mark.parametrize("seed", range(6))
def test_p_values_and_superior_variants_are_those_of_arch(seed: int) -> None:
    """By the same resamples. arch 8.0 divides by no standard error: its losses are divided before."""
    bootstrap = oracle("arch.bootstrap")
    returns, none = some_returns(seed), np.zeros(PERIODS)
    losses = -returns / returns.std(axis=0, ddof=1)
    draws = bootstrap.StationaryBootstrap(BLOCK, returns, seed=11)
    drawn = np.array([draws.update_indices() for _ in range(RESAMPLES)])
    spa = bootstrap.SPA(none, losses, block_size=BLOCK, reps=RESAMPLES, seed=11)
    spa.compute()
    step = bootstrap.StepM(none, losses, block_size=BLOCK, reps=RESAMPLES, seed=11)
    step.compute()
    ours = Bootstrapped.of(returns, BLOCK, drawn)
    assert superior_ability(ours) == SuperiorAbility(**spa.pvalues.to_dict())
    assert superior_variants(ours) == step.superior_models


def test_long_run_variance_is_that_of_arch() -> None:
    bootstrap = oracle("arch.bootstrap")
    returns = np.cumsum(some_returns(1), axis=0) * 0.1
    spa = bootstrap.SPA(np.zeros(PERIODS), -returns, block_size=BLOCK, reps=2, seed=1)
    spa.compute()
    np.testing.assert_allclose(long_run_variance(returns, BLOCK), spa._loss_diff_var, rtol=1e-9)


def test_long_run_variance_is_that_of_the_resamples() -> None:
    returns = np.cumsum(np.random.default_rng(4).normal(size=(120, 2)), axis=0)
    drawn = stationary_bootstrap(120, 10, 20_000)
    means = resampled_means(returns, drawn)
    np.testing.assert_allclose(long_run_variance(returns, 10), 120 * means.var(axis=0), rtol=0.05)


def waves() -> tuple[np.ndarray, np.ndarray]:
    """Returns and resamples without a random generator, so that figures can be pinned."""
    days, variants = np.arange(60)[:, None], np.array([0, 1, 2, 3, 4, 6, 7])
    returns = (
        np.sin(days * (variants + 1.3))
        + np.cos(days * 0.37 * (variants + 2))
        + 0.015 * variants
        - 0.1 * (variants < 3)
    )
    draws = (np.arange(200)[:, None] * 7_919 + np.arange(60) // 6 * 104_729 + np.arange(60)) % 60
    return returns, draws


def test_p_values_that_arch_gave() -> None:
    """arch 8.0.0, of losses -returns / their standard deviations, block_size 7, with these resamples."""
    returns, drawn = waves()
    ours = Bootstrapped.of(returns, 7, drawn)
    assert superior_ability(ours) == SuperiorAbility(*PINNED)
    assert superior_variants(ours, 0.3) == PINNED_SUPERIOR


PINNED = (0.0, 0.12, 0.12)
PINNED_SUPERIOR = [5, 6]


def test_resamples_are_runs_of_the_mean_length() -> None:
    drawn = stationary_bootstrap(500, 8.0, 400)
    follows = drawn[:, 1:] == (drawn[:, :-1] + 1) % 500
    assert np.mean(follows) == pytest.approx(1 - 1 / 8 * (1 - 1 / 500), abs=0.005)
    assert np.bincount(drawn.ravel(), minlength=500) == pytest.approx(400, rel=0.5)
    assert np.array_equal(drawn, stationary_bootstrap(500, 8.0, 400))
    assert not np.array_equal(drawn, stationary_bootstrap(500, 8.0, 400, seed=8))


def test_resamples_of_runs_of_one_are_independent() -> None:
    drawn = stationary_bootstrap(50, 1.0, 2_000)
    assert np.mean(drawn[:, 1:] == (drawn[:, :-1] + 1) % 50) == pytest.approx(1 / 50, abs=0.003)


def test_noise_has_p_values_above_five_percent() -> None:
    rng = np.random.default_rng(6)
    p_values = [
        superior_ability(Bootstrapped.of(rng.normal(size=(250, 40)))).consistent for _ in range(60)
    ]
    assert np.mean(np.array(p_values) < 0.05) <= 0.15


def test_variants_that_hold_nothing_are_never_superior() -> None:
    returns = some_returns(5)
    returns[:, 9] = 0.0
    returns[:, 10] = 0.5
    found = superior_variants(Bootstrapped.of(returns))
    assert found and not {9, 10} & set(found)
    assert superior_variants(Bootstrapped.of(np.zeros((20, 3)))) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_adjusted_p_values_are_scipys(p_values: list[float]) -> None:
    values = np.array(p_values)
    np.testing.assert_allclose(
        adjusted_p_values(values), stats.false_discovery_control(values), rtol=1e-12
    )


def test_a_p_value_that_is_none_is_no_test() -> None:
    values = np.array([0.01, math.nan, 0.04, 0.02])
    found = adjusted_p_values(values)
    assert np.isnan(found[1])
    assert found[[0, 2, 3]] == pytest.approx(
        stats.false_discovery_control(values[~np.isnan(values)])
    )


def test_two_periods_are_too_few() -> None:
    with pytest.raises(ConfigError, match="3 periods or more"):
        Bootstrapped.of(np.zeros((2, 3)))
