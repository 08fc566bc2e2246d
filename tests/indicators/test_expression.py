"""The catalogue on any Polars frame."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import talib

from engine.errors import IndicatorError
from engine.indicators.expression import indicator
from tests.data import real_data
from tests.indicators.series import bars


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    parts = [
        pl.DataFrame(bars(300 + 10 * i, seed=i)).with_columns(symbol=pl.lit(name))
        for i, name in enumerate("ABC")
    ]
    return pl.concat(parts)


def test_over_symbols_equals_talib_symbol_by_symbol(frame: pl.DataFrame) -> None:
    made = frame.with_columns(
        indicator("rsi", period=14).over("symbol"), indicator("atr").over("symbol").alias("reach")
    )
    for _, own in made.group_by("symbol"):
        high, low, close = (own[name].to_numpy() for name in ("high", "low", "close"))
        np.testing.assert_allclose(own["rsi_14"].to_numpy(), talib.RSI(close, 14), rtol=1e-9)
        np.testing.assert_allclose(
            own["reach"].to_numpy(), talib.ATR(high, low, close, 14), rtol=1e-9
        )


def test_several_outputs_are_a_struct(frame: pl.DataFrame) -> None:
    own = frame.filter(pl.col("symbol") == "B").select(indicator("macd")).unnest("macd_12_26_9")
    for name, expected in zip(
        own.columns,
        talib.MACD(frame.filter(pl.col("symbol") == "B")["close"].to_numpy()),
        strict=True,
    ):
        np.testing.assert_allclose(own[name].to_numpy(), expected, rtol=1e-9, atol=1e-9)


def test_other_inputs_lazy_frames_and_nulls(frame: pl.DataFrame) -> None:
    middle = (pl.col("high") + pl.col("low")) / 2
    lazy = (
        frame.lazy().select(indicator("sma", [middle], period=5).over("symbol")).collect()["sma_5"]
    )
    assert lazy.null_count() == 3 * 4
    assert lazy[10] == pytest.approx(frame.select(middle)["high"][6:11].mean())
    holed = frame.with_columns(
        close=pl.when(pl.int_range(pl.len()) == 50).then(None).otherwise("close")
    )
    assert holed.select(indicator("sma", period=5))["sma_5"].null_count() == 4 + 5


def test_real_daily_bars() -> None:
    daily = pl.read_parquet(real_data("sp500_daily_2013_2018.parquet")).filter(
        pl.col("symbol").is_in(["AAPL", "MSFT"])
    )
    made = daily.sort("symbol", "date").with_columns(indicator("sma", period=200).over("symbol"))
    expected = pl.col("close").rolling_mean(200).over("symbol").alias("expected")
    both = made.with_columns(expected).drop_nulls("expected")
    assert both.select((pl.col("sma_200") / pl.col("expected") - 1).abs().max()).item() < 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: indicator("rsii"), "did you mean 'rsi'"),
        (lambda: indicator("rsi", perid=3), "did you mean 'period'"),
        (lambda: indicator("rvol"), "no value a bar"),
        (lambda: indicator("atr", ["close"]), "expected high, low, close"),
    ],
)
def test_a_mistake_says_what_is_wrong(call: object, message: str) -> None:
    with pytest.raises(IndicatorError, match=message):
        call()  # type: ignore[operator]
