"""Every figure against empyrical-reloaded."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from engine.results.metrics import METRICS, metrics
from tests.data import real_data

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import empyrical

SERIES = {
    "normal": np.random.default_rng(1).normal(0.0005, 0.01, 500),
    "losing": np.random.default_rng(2).normal(-0.003, 0.03, 60),
    "two": np.array([0.01, -0.02]),
    "jumps": np.where(np.random.default_rng(3).random(300) < 0.02, 0.2, -0.001),
}


@pytest.fixture(scope="module")
def market() -> np.ndarray:
    """Daily returns of AAPL."""
    bars = pd.read_parquet(real_data("sp500_daily_2013_2018.parquet"))
    return bars[bars["symbol"] == "AAPL"]["close"].pct_change().dropna().to_numpy()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", METRICS)
def test_figures_equal_empyricals(name: str, market: np.ndarray) -> None:
    for returns in (*SERIES.values(), market):
        expected = getattr(empyrical, name)(pd.Series(returns, pd.bdate_range("2015-01-01", periods=len(returns))))
        assert metrics(returns)[name] == pytest.approx(expected, rel=1e-9, nan_ok=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["alpha", "beta", "up_capture", "down_capture"])
def test_figures_against_a_benchmark_equal_empyricals(name: str, market: np.ndarray) -> None:
    index = pd.bdate_range("2015-01-01", periods=500)
    returns, benchmark = SERIES["normal"], market[:500]
    expected = getattr(empyrical, name)(pd.Series(returns, index), pd.Series(benchmark, index))
    assert metrics(returns, benchmark)[name] == pytest.approx(expected, rel=1e-9)


def test_nothing_is_not_a_number() -> None:
    assert all(math.isnan(value) for value in metrics(np.empty(0)).values())
    assert metrics(np.zeros(3))["max_drawdown"] == 0


@pytest.mark.parametrize("returns", [[-1.0, 0.0], [0.1, -1.0], [-0.5, -1.5, 0.2], [-1.0, math.nan], [0.0, 0.0], [-3.0, -3.0, 0.1]])
def test_an_account_that_is_lost_has_figures_or_none(returns: list[float]) -> None:
    """More than all can be lost on credit: roots and logarithms of what is below zero are NaN, no error and no complex number."""
    found = metrics(np.array(returns), np.zeros(len(returns)))
    assert all(isinstance(value, float) for value in found.values())
    assert found["stability_of_timeseries"] != found["stability_of_timeseries"]
