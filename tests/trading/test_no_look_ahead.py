"""Cutting off the future leaves every earlier order, fill and equity value unchanged."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from tests.running import EVERY_5_MINUTES, momentum
from tests.session.test_no_look_ahead import cut_off
from tests.trading.runs import config, trade

FIRST, LAST = "2017-11-06", dt.date(2017, 11, 30)
STRATEGIES = [
    {
        "module": "engine.strategies.opening_range_breakout",
        "config": {"size": 0.3, "stop_atr": 0.3},
    },
    {
        "module": "engine.strategies.vwap_pullback",
        "scanners": ["scanners.momentum_scanner"],
        "config": {"min_change": 0.005},
    },
    {
        "module": "engine.strategies.moving_average_cross",
        "scanners": ["config"],
        "config": {"fast": 3, "slow": 9, "interval": "5m", "size": 5},
    },
    {
        "module": "tests.trading.opening_range_by_hand",
        "config": {"size": 0.2, "size_unit": "risk", "stop_atr": 0.2},
    },
]


def loaded(end: dt.date) -> LoadedConfig:
    scanners = [
        momentum(min_change=0.004, min_rsi=50.0),
        {
            "module": "scanners.opening_range_scanner",
            "regular_session": EVERY_5_MINUTES,
            "config": {
                "sessions": 3,
                "min_average_volume": 1000.0,
                "min_atr": 0.01,
                "min_rvol": 0.5,
            },
        },
    ]
    account = {
        "leverage": 2.0,
        "max_participation": 0.1,
        "borrow_rate": 3.0,
        "daily_loss_limit_percent": 3.0,
    }
    costs = {"commission_per_share": 0.005, "slippage_spread": 0.1}
    return config(
        STRATEGIES, account, costs, FIRST, str(end), scanners=scanners, symbols=["AAPL", "MSFT"]
    )


@pytest.fixture(scope="module")
def whole(demo: Archive) -> dict[str, pl.DataFrame]:
    return trade(loaded(LAST), demo)


def before(tables: dict[str, pl.DataFrame], tick: dt.datetime) -> list[pl.DataFrame]:
    """What was known at a tick: orders that had ended, and those that were open as they were placed."""
    orders, placed = (
        tables["orders"],
        ["order", "placed", "strategy", "symbol", "side", "kind", "reason"],
    )
    known = orders.filter(pl.col("placed") < tick)
    return [
        known.select(placed).sort("order"),
        orders.filter(pl.col("ended") < tick).sort("order"),
        tables["fills"].filter(pl.col("time") < tick),
        tables["trades"].filter(pl.col("exit_time") < tick),
        tables["equity"].filter(pl.col("timestamp") <= tick),
    ]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_the_past_is_the_same_without_the_future(
    data: st.DataObject, whole: dict[str, pl.DataFrame], demo: Archive, tmp_path: Path
) -> None:
    assert len(whole["trades"]) > 200
    assert whole["trades"]["strategy"].n_unique() == len(STRATEGIES)
    times = (
        whole["equity"]
        .filter(pl.col("timestamp").dt.time() > dt.time(14, 35))["timestamp"]
        .unique()
        .sort()
    )
    tick = data.draw(st.sampled_from(times.to_list()))
    found = trade(loaded(tick.date()), cut_off(demo, tmp_path / "cut", tick))
    for cut, full in zip(before(found, tick), before(whole, tick), strict=True):
        assert cut.equals(full)
