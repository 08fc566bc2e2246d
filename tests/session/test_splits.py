"""Indicators on and after an ex-date, against a calculation over prices adjusted by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
import talib
from polars.testing import assert_frame_equal

from engine.archive.archive import Archive
from engine.schema import PRICE_COLUMNS
from tests.running import config, hits

SCHEDULE = [{"start": "09:31", "end": "15:51", "interval": "20m"}]


def adjusted(archive: Archive, symbol: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The symbol's regular bars and daily bars, all in the scale after its split."""
    (ex_date, ratio) = (
        archive.corporate_actions()
        .filter(pl.col("symbol") == symbol)
        .select("ex_date", "split_ratio")
        .row(0)
    )
    scale = pl.when(pl.col("date") < ex_date).then(ratio).otherwise(1.0)
    names = [*PRICE_COLUMNS, "volume"]
    frames = []
    for date in archive.sessions():
        session = archive.calendar.session(date)
        start = pl.col("timestamp").dt.epoch("us")
        bars = archive.read_session(date, ["symbol", "timestamp", *names])
        own = bars.filter(pl.col("symbol") == symbol, start >= session.open, start < session.close)
        frames.append(own.with_columns(date=pl.lit(date)))
    daily = archive.read_daily(["timestamp", *names], None, None).filter(pl.col("symbol") == symbol)
    both = (pl.concat(frames), daily)
    minutes, days = (
        f.with_columns(*(pl.col(n) / scale for n in PRICE_COLUMNS), pl.col("volume") * scale)
        for f in both
    )
    return minutes, days


@pytest.mark.parametrize("number", [0, 1])
def test_values_continue_across_the_ex_date(number: int, demo: Archive) -> None:
    symbol, ex_date, _ = (
        demo.corporate_actions()
        .filter(pl.col("split_ratio").is_not_null())
        .select("symbol", "ex_date", "split_ratio")
        .row(number)
    )
    scanner = {
        "module": "tests.session.wide_scanner",
        "regular_session": SCHEDULE,
        "config": {"universe": [symbol]},
    }
    logged = hits(config([scanner], start=str(ex_date), end=str(ex_date), benchmark="MSFT"), demo)
    minutes, days = adjusted(demo, symbol)
    closes = minutes.with_columns(
        sma=pl.Series(talib.SMA(minutes["close"].to_numpy(), 20)),
        ema=pl.Series(talib.EMA(minutes["close"].to_numpy(), 20)),
        known=pl.col("timestamp") + pl.duration(minutes=1),
    )
    seen = logged.sort("tick").join_asof(
        closes.select("known", "sma", "ema"), left_on="tick", right_on="known"
    )
    assert len(seen) > 0
    assert seen.select(((pl.col("at_sma_20_1m") / pl.col("sma") - 1).abs() < 1e-9).all()).item()
    assert seen.select(((pl.col("at_ema_20_1m") / pl.col("ema") - 1).abs() < 1e-8).all()).item()
    before = days.filter(pl.col("date") < ex_date)
    assert logged["at_prev_close"][0] == pytest.approx(before["close"][-1], rel=1e-12)
    assert logged["at_prev_volume"][0] == pytest.approx(before["volume"][-1], rel=1e-12)
    assert logged["at_sma_5_1d"][0] == pytest.approx(before["close"].tail(5).mean(), rel=1e-12)
    assert logged["at_volume_sma_5_1d"][0] == pytest.approx(
        before["volume"].tail(5).mean(), rel=1e-12
    )
    assert (
        logged["at_close"][0]
        == minutes.filter(pl.col("date") == ex_date).join(
            logged.select(pl.col("at_bar_time").alias("timestamp")), on="timestamp"
        )["close"][0]
    )


@pytest.mark.parametrize("number", [0, 1])
def test_daily_bars_continue_across_the_ex_date(number: int, demo: Archive) -> None:
    symbol, ex_date = (
        demo.corporate_actions()
        .filter(pl.col("split_ratio").is_not_null())
        .select("symbol", "ex_date")
        .row(number)
    )
    features = {"sma": "sma_5_1d", "before": "prev_close", "seen": "close", "ema": "ema_3_1d"}
    scanner = {
        "module": "scanners.criteria_scanner",
        "pre_session": True,
        "regular_session": [{"at": "close"}],
        "config": {
            "universe": [symbol],
            "criteria": {"known": "known(close)"},
            "features": features,
        },
    }
    logged = (
        hits(config([scanner], interval="1d"), demo)
        .filter(pl.col("session") == ex_date)
        .sort("tick")
    )
    _, days = adjusted(demo, symbol)
    upto = days.filter(pl.col("date") <= ex_date)
    pre, post = logged.row(0, named=True), logged.row(1, named=True)
    assert pre["before"] == pre["seen"] == pytest.approx(upto["close"][-2], rel=1e-12)
    assert (post["before"], post["seen"]) == pytest.approx(
        (upto["close"][-2], upto["close"][-1]), rel=1e-12
    )
    assert (pre["sma"], post["sma"]) == pytest.approx(
        (upto["close"][-6:-1].mean(), upto["close"][-5:].mean()), rel=1e-12
    )
    assert post["ema"] == pytest.approx(talib.EMA(upto["close"].to_numpy(), 3)[-1], rel=1e-6)


@pytest.mark.parametrize("interval", ["1d", "1m"])
def test_who_left_before_the_run_is_not_in_it(
    interval: str, demo: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run begins in the middle of a block, in which somebody's membership ends, who splits."""
    gone, last = demo.symbols()[5], demo.symbols()[-1]
    (tmp_path / "members.csv").write_text(
        "symbol,start_date,end_date\n"
        + "".join(f"{s},2017-01-03,{'2017-12-06' if s == gone else ''}\n" for s in demo.symbols())
    )
    # the last one splits as well, so that its bars are read again
    splits = {
        "symbol": [gone, gone, last],
        "ex_date": [dt.date(2017, 12, 4), dt.date(2017, 12, 5), dt.date(2017, 12, 14)],
    }
    schema = demo.corporate_actions().schema
    actions = pl.DataFrame(
        splits | {"split_ratio": [7.0, 3.0, 2.0], "cash_dividend": [None] * 3}, schema=schema
    )
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"at": "close"}],
        "config": {
            "criteria": {"any": "close > 0"},
            "features": {"p": "prev_close", "s": "sma_5_1d", "r": "roc_20_1d", "e": "ema_9_1d"},
            "universe": str(tmp_path / "members.csv"),
        },
    }
    found = []
    for known in (actions, actions.filter(pl.col("symbol") != gone)):
        monkeypatch.setattr(Archive, "corporate_actions", lambda self, known=known: known)
        found.append(
            hits(config([scanner], interval=interval, start="2017-12-11", end="2017-12-20"), demo)
        )
    assert len(found[0]) > 200 and gone not in found[0]["symbol"]
    assert_frame_equal(*found, check_exact=True)
