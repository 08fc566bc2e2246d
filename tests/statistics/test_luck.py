"""The panel beside the best of several variants: its figures are those of the single statistics, its sentences say them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from engine.errors import ConfigError
from engine.statistics.deflated_sharpe import chance_of_best, deflated_sharpe, normal_score
from engine.statistics.effective_trials import effective_trials
from engine.statistics.luck import Trials, discoveries, luck_of
from engine.statistics.many_sharpes import normal_scores
from engine.statistics.overfitting import overfitting
from engine.statistics.sharpe import Sharpe


def noise(seed: int, sessions: int = 60, variants: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(sessions, variants)) * 0.01


def test_figures_are_those_of_the_single_statistics() -> None:
    returns = noise(1)
    found, own = luck_of(returns, 3), Sharpe.of(returns[:, 3])
    effective = effective_trials(returns)
    assert found.sharpe == pytest.approx(own.ratio)
    assert found.chance == pytest.approx(chance_of_best(own, effective))
    assert found.deflated == pytest.approx(deflated_sharpe(own, effective, 1 / 59))
    assert found.overfitting == overfitting(returns, 16).probability
    assert (found.trials, found.variants, found.splits) == (20, 20, 12_870)


def test_trials_of_before_make_more_of_it_luck() -> None:
    returns = noise(2)
    returns[:, 0] += 0.0045
    alone, after = luck_of(returns, 0), luck_of(returns, 0, trials=Trials(100_000, 60_000.0))
    assert alone.deflated is not None and after.deflated is not None
    assert alone.deflated > after.deflated and after.is_luck
    assert "99,980 of them in other sweeps or stopped" in after.sentences()[1]


def test_sentences_say_the_share_of_cases() -> None:
    returns = noise(3)
    returns[:, 5] += 0.01
    found = luck_of(returns, 5)
    assert not found.is_luck and found.superior == 1 and found.discoveries == 1
    said = "\n".join(found.sentences())
    assert "of 20 variants of pure noise" in said and "less than 0.1 % of the cases" in said
    assert found.as_dict()["sentences"] == found.sentences()


@pytest.mark.parametrize("returns", [np.zeros((40, 3)), noise(4, 6, 3), noise(5, 40, 3)])
@pytest.mark.parametrize("span", [1, 6])
def test_what_is_not_defined_is_null_and_said(returns: np.ndarray, span: int) -> None:
    found = luck_of(returns, 0, span=span)
    if found.independent < 10 or not returns.any():
        assert found.deflated is None and found.is_luck and found.chance is None
        assert found.sentences()[0].startswith("what is luck cannot be told")
    else:
        assert found.deflated is not None and math.isfinite(found.deflated)


def test_overlapping_returns_count_less() -> None:
    returns = noise(6, 100)
    one, five = luck_of(returns, 0), luck_of(returns, 0, span=5)
    assert (one.independent, five.independent) == (100, 20)
    assert five.lucky_sharpe is not None and one.lucky_sharpe is not None
    assert five.lucky_sharpe > one.lucky_sharpe


def test_a_variant_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="variant 20"):
        luck_of(noise(7), 20)


def test_discoveries_are_benjamini_and_hochbergs() -> None:
    rng = np.random.default_rng(8)
    for strength in (0.0, 1.0, 2.5, 4.0):
        scores = rng.normal(size=200) + strength * (np.arange(200) < 40)
        adjusted = stats.false_discovery_control(stats.norm.sf(scores))
        assert discoveries(np.append(scores, math.nan)) == np.sum(adjusted <= 0.05)


def test_normal_scores_are_those_of_each() -> None:
    t, degrees = np.array([-3.0, 0.0, 1.0, 5.0]), np.array([9.0, 20.0, 43.0, 200.0])
    expected = [normal_score(*pair) for pair in zip(t.tolist(), degrees.tolist(), strict=True)]
    np.testing.assert_allclose(normal_scores(t, degrees), expected, rtol=1e-14)
