"""Candlestick patterns on bars that have all of them, many times, against TA-Lib."""

from __future__ import annotations

import numpy as np
import pytest

from engine.indicators.catalogue import CATALOGUE
from tests.kernels.oracles import ORACLES
from tests.kernels.series import compute

ROWS = 200_000
PATTERNS = [name for name, indicator in CATALOGUE.items() if indicator.group == "candles"]


@pytest.fixture(scope="module")
def candles() -> dict[str, np.ndarray]:
    """Bodies, gaps and shadows of all sizes, many of them tiny or equal to the bar before's."""
    rng = np.random.default_rng(5)
    body = rng.normal(0.0, 1.0, ROWS) * rng.choice([0.02, 0.3, 1.0, 2.5], ROWS)
    body = np.where(rng.random(ROWS) < 0.5, np.abs(body) * np.sign(np.sin(np.arange(ROWS) / 5)), body)
    gap = rng.choice([-1.0, 0.0, 1.0], ROWS) * rng.exponential(0.5, ROWS)
    opens = 1000.0 + np.round(np.cumsum(body + gap) - body, 2)
    closes = np.round(opens + body, 2)
    shadows = np.round(rng.exponential(1.0, (2, ROWS)) * rng.choice([0.0, 0.05, 1.0, 2.0], (2, ROWS)), 2)
    high, low = np.maximum(opens, closes) + shadows[0], np.minimum(opens, closes) - shadows[1]
    return {"open": opens, "high": high, "low": low, "close": closes, "volume": np.ones(ROWS)}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_where_talib_finds_it(name: str, candles: dict[str, np.ndarray]) -> None:
    found, expected = compute(CATALOGUE[name], candles)[0], ORACLES[name](candles)
    assert isinstance(expected, np.ndarray)
    assert (expected[50:] != 0).sum() >= 20
    # a comparison of equals may go either way: TA-Lib's running sums have lost some bits by now
    assert (found[50:] != expected[50:]).mean() < 2e-4


def test_the_fifteen_patterns_that_traders_use_most_are_there() -> None:
    assert len(PATTERNS) >= 15
