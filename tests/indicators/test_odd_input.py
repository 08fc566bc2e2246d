"""Flat windows, spikes, and zero volume: the answers that docstrings promise."""

from __future__ import annotations

import numpy as np
import pytest

from engine.indicators.catalogue import CATALOGUE
from tests.indicators.series import bars, compute


def flat(rows: int = 100, price: float = 50.0) -> dict[str, np.ndarray]:
    columns = bars(rows)
    return columns | {name: np.full(rows, price) for name in ("open", "high", "low", "close")}


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sma", 50.0),
        ("ema", 50.0),
        ("rsi", 50.0),
        ("atr", 0.0),
        ("roc", 0.0),
        ("stddev", 0.0),
        ("rolling_max", 50.0),
        ("rolling_min", 50.0),
        ("macd", 0.0),
        ("vwap", 50.0),
    ],
)
def test_flat_prices(name: str, answer: float) -> None:
    columns = flat() | {"regular": np.ones(100)}
    values = compute(CATALOGUE[name], columns)
    np.testing.assert_allclose(values[:, 60:], answer, rtol=1e-15, atol=1e-14)


def test_flat_bollinger_bands_meet() -> None:
    upper, middle, lower, bandwidth, percent_b = compute(CATALOGUE["bollinger_bands"], flat())[
        :, 60:
    ]
    assert (
        (upper == middle).all()
        and (lower == middle).all()
        and (bandwidth == 0).all()
        and np.isnan(percent_b).all()
    )


def test_a_flat_window_at_volume_scale_has_no_variance_after_a_spike() -> None:
    volume = np.full(300, 5e7)
    volume[40] = 9e12
    deviation = compute(CATALOGUE["stddev"], bars(300) | {"close": volume})[0]
    assert (deviation[40:60] > 0).all()
    assert (deviation[60:] == 0).all()


def test_a_spike_leaves_no_trace_in_a_moving_average() -> None:
    values = np.full(200, 0.1)
    values[30] = 1e18
    average = compute(CATALOGUE["sma"], bars(200) | {"close": values})[0]
    np.testing.assert_allclose(average[50:], 0.1, rtol=1e-14)


def test_no_volume_has_no_vwap_and_no_relative_volume() -> None:
    columns = bars(100) | {
        "volume": np.zeros(100),
        "session_volume": np.zeros(100),
        "regular": np.ones(100),
    }
    assert np.isnan(compute(CATALOGUE["vwap"], columns)).all()
    assert np.isnan(compute(CATALOGUE["rvol"], columns, (3,))).all()


def test_relative_volume_leaves_out_sessions_without_the_time_of_day() -> None:
    slots = np.array([0, 1, 0, 0, 1, 0, 1], float)  # the second session closed early
    columns = bars(7) | {
        "slot": slots,
        "session_volume": np.array([10, 100, 10, 10, 300, 10, 400], float),
    }
    session = np.array([1, 1, 2, 3, 3, 4, 4], float)
    out, state = np.empty(7), np.zeros(3 + 5 * 4)
    CATALOGUE["rvol"].kernel.over_rows(
        (columns["session_volume"], slots, session), (3, 5), state, (out,)
    )
    assert out[5] == 1.0 and out[6] == 400 / 200 and np.isnan(out[:5]).all()
