"""The momentum scanner's hits on real bars, against TA-Lib and plain Polars."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import talib

from engine.archive.archive import Archive
from tests.data import real_data
from tests.running import config, hits, momentum

NEW_YORK = ZoneInfo("America/New_York")


def independent_hits() -> pl.DataFrame:
    """The default criteria over the whole series of each symbol: no month blocks, no carried state, none of our code."""
    bars = pl.read_parquet(real_data("us_1min_2018.parquet")).sort("symbol", "timestamp")
    bars = bars.with_columns(
        pl.col("volume").cast(pl.Float64),
        session=pl.col("timestamp").dt.convert_time_zone("America/New_York").dt.date(),
        known=pl.col("timestamp") + pl.duration(minutes=1),
    )
    parts = []
    for _, own in bars.group_by("symbol", maintain_order=True):
        close = own["close"].to_numpy()
        parts.append(
            own.with_columns(
                rsi=pl.Series(talib.RSI(close, 14)), sma=pl.Series(talib.SMA(close, 20))
            )
        )
    bars = pl.concat(parts).with_columns(pl.col("rsi", "sma").fill_nan(None))
    amount = (pl.col("high") + pl.col("low") + pl.col("close")) / 3 * pl.col("volume")
    day = ["symbol", "session"]
    bars = bars.with_columns(
        vwap=(amount.cum_sum().over(day) / pl.col("volume").cum_sum().over(day))
    )
    closes = bars.group_by(*day, maintain_order=True).agg(pl.col("close").last().alias("last"))
    closes = closes.with_columns(prev_close=pl.col("last").shift().over("symbol"))
    ticks = pl.DataFrame(
        [
            {
                "session": day,
                "tick": dt.datetime.combine(day, dt.time(9, 35), NEW_YORK)
                + dt.timedelta(minutes=5 * i),
            }
            for day in bars["session"].unique().sort()
            for i in range(77)
        ]
    ).with_columns(pl.col("tick").dt.convert_time_zone("UTC").dt.cast_time_unit("us"))
    looks = ticks.join(bars.select("symbol").unique(), how="cross").sort("tick")
    seen = looks.join_asof(
        bars.sort("known").drop("timestamp"),
        left_on="tick",
        right_on="known",
        by="symbol",
        check_sortedness=False,
    )
    seen = seen.filter(pl.col("session") == pl.col("session_right")).join(closes, on=day)
    found = seen.filter(
        pl.col("close") > 5,
        pl.col("close") / pl.col("prev_close") - 1 > 0.03,
        pl.col("close") > pl.col("vwap"),
        pl.col("rsi") > 70,
        pl.col("close") > pl.col("sma"),
    )
    return found.select("session", "tick", "symbol", "rsi", "vwap").sort("tick", "symbol")


@pytest.fixture(scope="module")
def found(us2018: Archive) -> pl.DataFrame:
    return hits(config([momentum()]), us2018).sort("tick", "symbol")


def test_hits_equal_an_independent_calculation_pair_by_pair(found: pl.DataFrame) -> None:
    expected = independent_hits()
    assert len(expected) > 3000
    assert found.select("session", "tick", "symbol").equals(
        expected.select("session", "tick", "symbol")
    )
    assert np.allclose(found["rsi"], expected["rsi"], rtol=1e-9)
    assert np.allclose(found["vwap_distance"] + 1, found["close"] / expected["vwap"], rtol=1e-12)


def test_hits_stand_on_both_sides_of_the_daylight_saving_change(found: pl.DataFrame) -> None:
    local = found.with_columns(
        time=pl.col("tick").dt.convert_time_zone("America/New_York").dt.time()
    )
    for day in (dt.date(2018, 3, 9), dt.date(2018, 3, 12)):
        times = local.filter(pl.col("session") == day)["time"]
        assert len(times) and times.min() >= dt.time(9, 35) and times.max() <= dt.time(15, 55)
    assert found.filter(pl.col("session") == dt.date(2018, 3, 9))["tick"].dt.hour().min() == 14
    assert found.filter(pl.col("session") == dt.date(2018, 3, 12))["tick"].dt.hour().min() == 13


def test_ranks_are_by_change_best_first(found: pl.DataFrame) -> None:
    ordered = found.sort("tick", "rank")
    falls = ordered.with_columns(step=pl.col("change").diff().over("tick"))
    assert falls["step"].max() <= 0
    assert ordered.select(
        (pl.col("rank") == pl.int_range(1, pl.len() + 1).over("tick")).all()
    ).item()
