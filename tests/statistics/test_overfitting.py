"""Probability of backtest overfitting, against one that takes every split in turn."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.errors import ConfigError
from engine.statistics.overfitting import VARIANTS, overfitting, parts_for


def ratios(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0, ddof=1)
    return np.where(spread > 1e-9, values.mean(axis=0) / np.where(spread > 0, spread, 1), 0.0)


def by_hand(returns: np.ndarray, parts: int) -> dict[frozenset[int], tuple[float, float, float]]:
    """Logit, in-sample and out-of-sample ratio of the best, of each set of parts in sample."""
    cuts = [k * len(returns) // parts for k in range(parts + 1)]
    pieces = [returns[begin:end] for begin, end in pairwise(cuts)]
    found = {}
    for chosen in combinations(range(parts), parts // 2):
        inside = ratios(np.concatenate([pieces[k] for k in chosen]))
        outside = ratios(np.concatenate([p for k, p in enumerate(pieces) if k not in chosen]))
        best = int(np.argmax(inside.astype(np.float32)))
        rank = stats.rankdata(outside.astype(np.float32))[best] / (returns.shape[1] + 1)
        found[frozenset(chosen)] = math.log(rank / (1 - rank)), inside[best], outside[best]
    return found


@settings(max_examples=25)
@given(
    st.integers(0, 2**32), st.sampled_from([2, 4, 6, 8]), st.integers(2, 12), st.integers(16, 60)
)
def test_it_equals_every_split_in_turn(seed: int, parts: int, variants: int, periods: int) -> None:
    """Some variants hold nothing at times, some are the same twice, some never do anything."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.1, 1.0, (periods, variants))
    returns[rng.random(returns.shape) < rng.choice([0.0, 0.9])] = 0.0
    returns[:, -1] = returns[:, 0]
    found, expected = overfitting(returns, parts), by_hand(returns, parts)
    assert found.splits == len(expected) == math.comb(parts, parts // 2)
    for made, column in ((found.logits, 0), (found.in_sample, 1), (found.out_of_sample, 2)):
        there = sorted(values[column] for values in expected.values())
        np.testing.assert_allclose(np.sort(made), there, rtol=1e-6, atol=1e-9)
    assert found.probability == np.mean([values[0] <= 0.0 for values in expected.values()])


def test_sixteen_parts_are_12870_splits() -> None:
    found = overfitting(np.random.default_rng(0).normal(size=(100, 3)))
    assert found.splits == 12_870


def test_more_variants_than_a_block_are_numbered_through() -> None:
    rng = np.random.default_rng(1)
    returns = rng.normal(size=(64, 2 * VARIANTS + 7))
    returns[:, VARIANTS + 5] += 2.0  # the best everywhere
    found = overfitting(returns, 8)
    assert set(found.chosen.tolist()) == {VARIANTS + 5}
    assert found.probability == 0.0 and found.loss == 0.0


def test_noise_is_overfitted_about_half_of_the_time() -> None:
    rng = np.random.default_rng(2)
    probabilities = [overfitting(rng.normal(size=(160, 50)), 8).probability for _ in range(40)]
    assert np.mean(probabilities) == pytest.approx(0.5, abs=0.08)


def test_equal_variants_are_not_above_the_median() -> None:
    returns = np.repeat(np.random.default_rng(3).normal(size=(40, 1)), 5, axis=1)
    found = overfitting(returns, 4)
    assert found.probability == 1.0 and set(found.logits.tolist()) == {0.0}
    assert set(found.chosen.tolist()) == {0}


@pytest.mark.parametrize(
    ("shape", "parts", "said"),
    [
        ((100, 3), 7, "even number"),
        ((100, 3), 22, "even number"),
        ((100, 1), 8, "1 variants"),
        ((3, 3), 4, "3 periods in 4 parts"),
    ],
)
def test_what_has_no_splits_is_refused(shape: tuple[int, int], parts: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        overfitting(np.ones(shape), parts)


@pytest.mark.parametrize(
    ("periods", "parts"), [(7, None), (8, 4), (25, 12), (31, 14), (32, 16), (2520, 16)]
)
def test_short_stretches_are_cut_into_fewer_parts(periods: int, parts: int | None) -> None:
    assert parts_for(periods) == parts
