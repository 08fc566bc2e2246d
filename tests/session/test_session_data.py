"""SessionData in the middle of a run."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
import talib

from engine.archive.archive import Archive
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionTables
from tests.running import config
from tests.session.curious_scanner import CuriousScanner

DAY = dt.date(2017, 11, 9)


@pytest.fixture(scope="module")
def seen(demo: Archive) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    CuriousScanner.seen.clear()
    scanner = {
        "module": "tests.session.curious_scanner",
        "regular_session": [{"start": "11:02", "end": "13:02", "interval": "30m"}],
    }
    loaded = config(
        [scanner],
        symbols=["AAPL", "MSFT"],
        start=str(DAY),
        end="2017-11-10",
        historical={"trailing_days": 3},
        indicators=[{"name": "sma", "params": {"period": 20}, "interval": "5m"}],
    )
    records = list(SessionCoordinator(loaded, demo).sessions())
    return CuriousScanner.seen, SessionTables(records).symbols


def own_bars(demo: Archive, until: dt.datetime) -> pl.DataFrame:
    days = [day for day in demo.sessions() if day <= until.date()]
    frames = []
    for day in days:
        session = demo.calendar.session(day)
        start = pl.col("timestamp").dt.epoch("us")
        bars = demo.read_session(
            day, ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
        )
        frames.append(
            bars.filter(pl.col("symbol") == "NFLX", start >= session.open, start < session.close)
        )
    return pl.concat(frames).filter(
        pl.col("timestamp") + pl.duration(minutes=1) <= until.astimezone(dt.UTC)
    )


def test_a_symbol_is_active_from_its_promotion_on(
    seen: tuple[list[dict[str, Any]], pl.DataFrame],
) -> None:
    looks, events = seen
    assert [("NFLX" in look["active"]) for look in looks[:5]] == [False, False, True, True, True]
    assert [look["locked"] for look in looks[:5]] == [False, False, True, True, True]
    assert not any(look["removed"] or look["config_removed"] or look["again"] for look in looks)
    first = events.filter(pl.col("session") == DAY)
    assert first.select("symbol", "event").rows() == [
        ("AAPL", "registered"),
        ("MSFT", "registered"),
        ("NFLX", "promoted"),
        ("NFLX", "locked"),
    ]


def test_a_locked_symbol_stays_over_the_session(
    seen: tuple[list[dict[str, Any]], pl.DataFrame],
) -> None:
    assert all("NFLX" in look["active"] for look in seen[0][5:])


def test_an_indicator_asked_for_at_a_tick_is_warm_at_that_tick(
    seen: tuple[list[dict[str, Any]], pl.DataFrame], demo: Archive
) -> None:
    look = seen[0][2]
    bars = own_bars(demo, look["time"])
    five = bars.group_by_dynamic("timestamp", every="5m").agg(pl.col("close").last())
    complete = five.filter(
        pl.col("timestamp") + pl.duration(minutes=5) <= look["time"].astimezone(dt.UTC)
    )
    assert look["ema"].valid
    assert look["ema"].current_value == pytest.approx(
        talib.EMA(complete["close"].to_numpy(), 20)[-1], rel=1e-9
    )
    assert look["sma"].current_value == pytest.approx(complete["close"].tail(20).mean(), rel=1e-12)
    assert not seen[0][0]["ema"].valid and not seen[0][0]["sma"].valid
    assert seen[0][0]["config_sma"].valid


def test_bars_are_those_that_are_complete(
    seen: tuple[list[dict[str, Any]], pl.DataFrame], demo: Archive
) -> None:
    for look in seen[0]:
        bars = own_bars(demo, look["time"])
        assert look["bar"].timestamp == bars["timestamp"][-1]
        assert look["bar"].close == bars["close"][-1]
        today = bars.filter(pl.col("timestamp").dt.date() == look["time"].date())
        five = today.group_by_dynamic("timestamp", every="5m").agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        complete = five.filter(
            pl.col("timestamp") + pl.duration(minutes=5) <= look["time"].astimezone(dt.UTC)
        )
        assert look["bars"].equals(complete)
        assert look["five"] == tuple(complete.row(-1))
        before = demo.read_daily(["close"], None, look["time"].date()).filter(
            pl.col("symbol") == "NFLX"
        )
        assert look["day"].close == before["close"][-1]
        assert look["unknown"] is None


def test_history_is_that_of_the_trailing_days(
    seen: tuple[list[dict[str, Any]], pl.DataFrame], demo: Archive
) -> None:
    look = seen[0][0]
    days = [day for day in demo.sessions() if day < DAY][-3:]
    assert look["history"]["timestamp"].dt.date().unique().sort().to_list() == days
    assert look["daily_history"]["timestamp"].dt.date().to_list() == days


def test_the_frame_is_the_cross_section_at_the_tick(
    seen: tuple[list[dict[str, Any]], pl.DataFrame],
) -> None:
    for look in seen[0]:
        own = look["frame"].filter(pl.col("symbol") == "NFLX")
        assert own["close"][0] == look["bar"].close
        assert own["tick"].dt.convert_time_zone("America/New_York")[0] == look["time"]
        assert np.isclose(
            own["bar_age"][0] * 60, (look["time"] - look["bar"].timestamp).total_seconds() - 60
        )
        assert own["sma_20_5m"][0] is not None
