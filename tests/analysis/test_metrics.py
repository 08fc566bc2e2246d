"""Every figure against empyrical-reloaded."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.analysis.metrics import METRICS, metrics
from engine.runs.trading_summary import _figures
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
        expected = getattr(empyrical, name)(
            pd.Series(returns, pd.bdate_range("2015-01-01", periods=len(returns)))
        )
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


@pytest.mark.parametrize(
    "returns",
    [[-1.0, 0.0], [0.1, -1.0], [-0.5, -1.5, 0.2], [-1.0, math.nan], [0.0, 0.0], [-3.0, -3.0, 0.1]],
)
def test_an_account_that_is_lost_has_figures_or_none(returns: list[float]) -> None:
    """More than all can be lost on credit: roots and logarithms of what is below zero are NaN, no error and no complex number."""
    found = metrics(np.array(returns), np.zeros(len(returns)))
    assert all(isinstance(value, float) for value in found.values())
    assert found["stability_of_timeseries"] != found["stability_of_timeseries"]


DISPERSION = ("sharpe_ratio", "sortino_ratio", "calmar_ratio", "omega_ratio", "beta", "alpha")
FLAT = {
    "one return": np.full(250, 0.01),
    "of an account that grows evenly": np.diff(100_000 * 1.01 ** np.arange(300))
    / (100_000 * 1.01 ** np.arange(299)),
    "nearly nothing": np.diff(1e9 * 1.0000001 ** np.arange(300))
    / (1e9 * 1.0000001 ** np.arange(299)),
    "nothing but rounding": np.random.default_rng(1).normal(0, 1e-16, 250),
    "nothing": np.zeros(250),
}


@pytest.mark.parametrize("kind", FLAT)
def test_what_is_divided_by_nothing_but_rounding_is_not_defined(
    kind: str, market: np.ndarray
) -> None:
    flat = FLAT[kind]
    found = metrics(flat, flat)
    assert {name: found[name] for name in DISPERSION} == pytest.approx(
        dict.fromkeys(DISPERSION, math.nan), nan_ok=True
    )
    against = metrics(market[: len(flat)], flat)
    assert math.isnan(against["beta"]) and math.isnan(against["alpha"])
    assert math.isfinite(against["sharpe_ratio"]) and math.isfinite(found["annual_volatility"])


@given(
    returns=st.lists(
        st.sampled_from([0.01, -0.02, 0.0, 0.003, -0.0004, 0.05]), min_size=2, max_size=60
    ),
    scale=st.sampled_from([1e-6, 1e-3, 1.0, 3.0]),
)
def test_ratios_do_not_depend_on_the_scale_of_returns(returns: list[float], scale: float) -> None:
    """What is noise is told by the returns, not by a fixed number."""
    whole, scaled = metrics(np.array(returns)), metrics(np.array(returns) * scale)
    for name in ("sharpe_ratio", "sortino_ratio", "omega_ratio", "tail_ratio"):
        assert scaled[name] == pytest.approx(whole[name], rel=1e-6, nan_ok=True), name


@pytest.mark.filterwarnings("ignore")
@given(st.lists(st.floats(-0.2, 0.2).map(lambda x: round(x, 4)), min_size=3, max_size=40))
def test_any_returns_have_empyricals_figures_or_none(returns: list[float]) -> None:
    found, series = (
        metrics(np.array(returns)),
        pd.Series(returns, pd.bdate_range("2015-01-01", periods=len(returns))),
    )
    equal = len(set(returns)) == 1
    assert math.isnan(found["sharpe_ratio"]) == equal
    assert (
        math.isnan(found["sortino_ratio"])
        == (min(returns) >= 0)
        == math.isnan(found["omega_ratio"])
    )
    for name in ("sharpe_ratio", "sortino_ratio", "omega_ratio", "calmar_ratio"):
        if not math.isnan(found[name]):
            assert found[name] == pytest.approx(
                getattr(empyrical, name)(series), rel=1e-9, nan_ok=True
            ), name


def test_trades_that_broke_even_or_are_open_are_told_of() -> None:
    trades = pl.DataFrame(
        {
            "pnl": [10.0, -5.0, 0.0, 0.0, 2.0],
            "open": [False, False, False, True, True],
            "return": [0.1, -0.1, 0, 0, 0.1],
            "costs": [1.0] * 5,
        }
    )
    one = _figures(trades.to_dict(as_series=False))
    assert {
        name: one[name] for name in ("count", "won", "lost", "break_even", "open", "win_rate")
    } == {
        "count": 5,
        "won": 2,
        "lost": 1,
        "break_even": 2,
        "open": 2,
        "win_rate": 0.4,
    }


NEVER_MISSING = (
    "cum_returns_final",
    "annual_return",
    "max_drawdown",
    "downside_risk",
    "value_at_risk",
    "conditional_value_at_risk",
)


@pytest.mark.filterwarnings("ignore")
@given(st.lists(st.floats(-0.2, 0.2).map(lambda x: round(x, 3)), min_size=1, max_size=45))
def test_figures_that_need_no_dispersion_are_empyricals(returns: list[float]) -> None:
    found = metrics(np.array(returns))
    series = pd.Series(returns, pd.bdate_range("2015-01-01", periods=len(returns)))
    for name in (*NEVER_MISSING, "annual_volatility", "stability_of_timeseries", "tail_ratio"):
        expected = getattr(empyrical, name)(series)
        if name in NEVER_MISSING or not math.isnan(found[name]):
            assert found[name] == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), name
    several = len(set(returns)) > 1
    assert math.isnan(found["annual_volatility"]) == (len(returns) == 1)
    assert math.isnan(found["stability_of_timeseries"]) == (
        len(returns) == 1 or not any(returns[1:])
    )
    assert math.isnan(found["sharpe_ratio"]) != several


@given(
    st.lists(
        st.tuples(*[st.floats(-0.2, 0.2).map(lambda x: round(x, 3))] * 2), min_size=2, max_size=40
    )
)
def test_figures_against_any_benchmark(pairs: list[tuple[float, float]]) -> None:
    """By the definitions: slope of a line through the pairs, and compounded returns of some sessions."""
    mine, theirs = np.array(pairs).T
    found = metrics(mine, theirs)
    assert found["benchmark_return"] == pytest.approx(np.prod(1 + theirs) - 1, abs=1e-12)
    if len(set(theirs)) == 1:
        assert math.isnan(found["beta"]) and math.isnan(found["alpha"])
    else:
        slope = np.polyfit(theirs, mine, 1)[0]
        assert found["beta"] == pytest.approx(slope, rel=1e-6, abs=1e-9)
        left = (1 + np.mean(mine - found["beta"] * theirs)) ** 252 - 1
        assert found["alpha"] == pytest.approx(left, rel=1e-9)
    for name, some in (("up_capture", theirs > 0), ("down_capture", theirs < 0)):
        if not some.any():
            assert math.isnan(found[name])
            continue
        grown = [np.prod(1 + own[some]) ** (252 / some.sum()) - 1 for own in (mine, theirs)]
        assert found[name] == pytest.approx(grown[0] / grown[1], rel=1e-9)
    assert set(metrics(mine)) == set(METRICS)


def test_a_divisor_is_nothing_up_to_a_billionth_of_the_largest_return() -> None:
    """A deviation that is more than rounding counts, however small beside the mean."""
    for size, noise in ((0.1, 3e-8), (1e-4, 3e-11)):
        returns = size + noise * np.array([1.0, -1.0] * 20)
        assert math.isfinite(metrics(returns)["sharpe_ratio"])
        assert math.isnan(metrics(size + noise / 1000 * np.array([1.0, -1.0] * 20))["sharpe_ratio"])
    tiny = np.array([1e-17, -1e-17, 3e-17])
    assert math.isnan(metrics(tiny)["sharpe_ratio"]), "less than the last digits of equity"
    assert metrics(np.array([0.5, -1.0, 0.2]))["annual_return"] == -1.0
    assert math.isnan(metrics(np.array([-1.5, 0.1]))["annual_return"])
