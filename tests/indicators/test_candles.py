"""Candlestick patterns on bars that have all of them, many times, against TA-Lib."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from engine.indicators.catalogue import CATALOGUE
from tests.data import real_data
from tests.indicators.oracles import ORACLES
from tests.indicators.series import CANDLE, Floats, compute

ROWS = 200_000
REACH = 14  # rows that the longest pattern looks at
PATTERNS = [
    name
    for name, indicator in CATALOGUE.items()
    if indicator.group == "candles" and indicator.inputs == CANDLE
]


@pytest.fixture(scope="module")
def candles() -> dict[str, np.ndarray]:
    """Bodies, gaps and shadows of all sizes, many of them tiny or equal to the bar before's."""
    rng = np.random.default_rng(5)
    body = rng.normal(0.0, 1.0, ROWS) * rng.choice([0.02, 0.3, 1.0, 2.5], ROWS)
    body = np.where(
        rng.random(ROWS) < 0.5, np.abs(body) * np.sign(np.sin(np.arange(ROWS) / 5)), body
    )
    gap = rng.choice([-1.0, 0.0, 1.0], ROWS) * rng.exponential(0.5, ROWS)
    opens = 1000.0 + np.round(np.cumsum(body + gap) - body, 2)
    closes = np.round(opens + body, 2)
    shadows = np.round(
        rng.exponential(1.0, (2, ROWS)) * rng.choice([0.0, 0.05, 1.0, 2.0], (2, ROWS)), 2
    )
    high, low = np.maximum(opens, closes) + shadows[0], np.minimum(opens, closes) - shadows[1]
    return {"open": opens, "high": high, "low": low, "close": closes, "volume": np.ones(ROWS)}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_where_talib_finds_it(name: str, candles: dict[str, np.ndarray]) -> None:
    expected = ORACLES[name](candles)
    assert isinstance(expected, np.ndarray)
    assert (expected[50:] != 0).sum() >= 20
    assert not other_rows(name, candles)


def other_rows(name: str, columns: dict[str, Floats]) -> list[int]:
    """Rows where TA-Lib answers otherwise, both over the whole series and over the rows that the pattern looks at alone."""
    found, expected = compute(CATALOGUE[name], columns)[0], ORACLES[name](columns)
    assert isinstance(expected, np.ndarray)
    rows = np.flatnonzero((found != expected) & ~(np.isnan(found) & np.isnan(expected))).tolist()
    assert len(rows) <= 1 + 1e-5 * len(found)

    def alone(row: int) -> float:
        answer = ORACLES[name](
            {column: values[row - REACH : row + 1] for column, values in columns.items()}
        )
        return float(answer[-1])  # type: ignore[arg-type]

    return [row for row in rows if alone(row) != found[row]]


@pytest.mark.parametrize("name", PATTERNS)
def test_where_talib_finds_another_it_is_its_running_sum(name: str) -> None:
    """21 symbols' daily bars over 23 years, as traded: 52,831 patterns, of which TA-Lib has two more, both of AIG.

    Hammer on 2009-02-17: an upper shadow of .01, a tenth of the mean span of the ten bars before, which is .10 exactly and so
    not *less*. Evening star on 2017-09-05: a first body of .25 where the ten before have a mean of .25. TA-Lib adds to a running
    sum what comes and takes from it what goes, since the first bar, when the price was a hundred times as high: what is left
    over by rounding decides. Asked over the rows that the pattern looks at alone, TA-Lib answers as we do.
    """
    frame = (
        pl.read_parquet(real_data("equity_usa_daily.parquet"))
        .drop_nulls()
        .sort("symbol", "timestamp")
    )
    for (symbol,), bars in frame.group_by(["symbol"], maintain_order=True):
        columns = {
            k: bars[k].cast(pl.Float64).to_numpy().copy()
            for k in ("open", "high", "low", "close", "volume")
        }
        assert not other_rows(name, columns), symbol


def test_the_fifteen_patterns_that_traders_use_most_are_there() -> None:
    assert len(PATTERNS) >= 15
