"""Real splits and reverse splits over bars as traded: every value on every day around them is that of TA-Lib over the series in the
scale of that very day; fills and price filters are as traded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import talib

from engine.archive.archive import Archive
from engine.schema import PRICE_COLUMNS
from tests.lean import bare_archive
from tests.running import config, hits
from tests.trading.runs import config as trading_config
from tests.trading.runs import trade

NAMES = [*PRICE_COLUMNS, "volume"]
SPLITS = [
    ("AAPL", dt.date(2014, 6, 9), 7.0),
    ("AAPL", dt.date(2020, 8, 31), 4.0),
    ("EEM", dt.date(2008, 7, 24), 3.0),
    ("AIG", dt.date(2009, 7, 1), 0.05),
    ("USO", dt.date(2020, 4, 29), 0.125),
]
Bars = dict[str, np.ndarray]
ORACLES: dict[str, Callable[[Bars], np.ndarray]] = {
    "sma_20_1d": lambda b: talib.SMA(b["close"], 20),
    "ema_10_1d": lambda b: talib.EMA(b["close"], 10),
    "rsi_14_1d": lambda b: talib.RSI(b["close"], 14),
    "atr_14_1d": lambda b: talib.ATR(b["high"], b["low"], b["close"], 14),
    "bollinger_bands_20_2_1d.upper": lambda b: talib.BBANDS(b["close"], 20, 2, 2)[0],
    "volume_sma_20_1d": lambda b: talib.SMA(b["volume"], 20),
    "rolling_max_50_1d": lambda b: talib.MAX(b["close"], 50),
    "roc_10_1d": lambda b: talib.ROC(b["close"], 10),
}


def as_of(archive: Archive, symbol: str, date: dt.date) -> Bars:
    """The symbol's bars up to a date, all in its scale: only splits that have taken place count."""
    bars = archive.read_daily(NAMES, None, date + dt.timedelta(days=1)).filter(
        pl.col("symbol") == symbol
    )
    splits = archive.corporate_actions().filter(
        pl.col("symbol") == symbol, pl.col("split_ratio").is_not_null(), pl.col("ex_date") <= date
    )
    for ex_date, ratio in splits.select("ex_date", "split_ratio").rows():
        scale = pl.when(pl.col("date") < ex_date).then(ratio).otherwise(1.0)
        bars = bars.with_columns(
            *(pl.col(name) / scale for name in PRICE_COLUMNS), pl.col("volume") * scale
        )
    return {name: bars[name].to_numpy() for name in NAMES}


def sessions_around(archive: Archive, ex_date: dt.date) -> list[dt.date]:
    dates = archive.sessions("1d")
    place = dates.index(ex_date)
    return dates[place - 3 : place + 4]


@pytest.mark.parametrize(("symbol", "ex_date", "ratio"), SPLITS)
def test_indicators_are_right_on_every_day_around_the_ex_date(
    symbol: str, ex_date: dt.date, ratio: float, lean: Archive
) -> None:
    features = {f"at_{number}": key for number, key in enumerate(ORACLES)} | {
        "before": "prev_close",
        "seen": "close",
    }
    scanner = {
        "module": "scanners.criteria_scanner",
        "pre_session": True,
        "regular_session": [{"at": "close"}],
        "config": {
            "universe": [symbol],
            "criteria": {"known": "known(prev_close)"},
            "features": features,
        },
    }
    days = sessions_around(lean, ex_date)
    found = hits(
        config([scanner], interval="1d", start=str(days[0]), end=str(days[-1])), lean
    ).sort("tick")
    assert found["session"].to_list() == [day for day in days for _ in range(2)]
    for pre, post in zip(
        found[::2].iter_rows(named=True), found[1::2].iter_rows(named=True), strict=True
    ):
        bars = as_of(lean, symbol, post["session"])
        yesterday = {name: values[:-1] for name, values in bars.items()}  # in the scale of today
        assert (pre["before"], post["before"], post["seen"]) == pytest.approx(
            (bars["close"][-2],) * 2 + (bars["close"][-1],), rel=1e-12
        )
        for number, (key, oracle) in enumerate(ORACLES.items()):
            assert post[f"at_{number}"] == pytest.approx(oracle(bars)[-1], rel=1e-7), (
                key,
                post["session"],
            )
            assert pre[f"at_{number}"] == pytest.approx(oracle(yesterday)[-1], rel=1e-7), (
                key,
                "before the open",
                pre["session"],
            )


def test_the_oracle_would_tell_a_split_that_is_left_out(lean: Archive) -> None:
    before, on = (as_of(lean, "AAPL", dt.date(2014, 6, day)) for day in (6, 9))
    assert ORACLES["sma_20_1d"](before)[-1] > 580 and ORACLES["sma_20_1d"](on)[-1] < 95


def test_a_price_filter_sees_prices_as_traded(lean: Archive) -> None:
    """AAPL at 645.57 on Friday is above 500 then, though it is 92.22 in Monday's scale; USO at 2.13 is below 5 then."""
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"at": "close"}],
        "config": {"universe": ["AAPL", "USO"], "criteria": {"price": "close > 500 or close < 5"}},
    }
    found = hits(config([scanner], interval="1d", start="2014-06-02", end="2014-06-13"), lean)
    assert found["session"].to_list() == [dt.date(2014, 6, day) for day in range(2, 7)]
    found = hits(config([scanner], interval="1d", start="2020-04-24", end="2020-05-04"), lean)
    assert found.select("session", "symbol").rows() == [
        (dt.date(2020, 4, day), "USO") for day in (24, 27, 28)
    ]


@pytest.mark.parametrize(("symbol", "ex_date", "ratio"), SPLITS)
def test_fills_are_as_traded_and_what_is_held_keeps_its_worth(
    symbol: str, ex_date: dt.date, ratio: float, lean: Archive
) -> None:
    days = sessions_around(lean, ex_date)
    strategy = {
        "module": "engine.strategies.buy_and_hold",
        "config": {"size": 1000.0, "size_unit": "shares"},
    }
    account = {"starting_cash": 1_000_000.0}
    tables = trade(
        trading_config(
            [strategy],
            account,
            start=str(days[0]),
            end=str(days[-1]),
            symbols=[symbol],
            interval="1d",
        ),
        lean,
    )
    (entry,) = tables["fills"].rows(named=True)
    raw = lean.read_daily(["open", "close"], days[0], days[-1] + dt.timedelta(days=1)).filter(
        pl.col("symbol") == symbol
    )
    by_day = {date: (first, last) for _, date, first, last in raw.rows()}
    assert entry["session"] < ex_date and entry["price"] == by_day[entry["session"]][0]
    ends = tables["equity"].group_by("session", maintain_order=True).last()
    for session, cash, positions in ends.select("session", "cash", "positions").rows():
        if session >= entry["session"]:
            shares = entry["quantity"] * (ratio if session >= ex_date else 1.0)
            assert positions == pytest.approx(shares * by_day[session][1], rel=1e-9)
            assert cash == pytest.approx(1_000_000 - entry["quantity"] * entry["price"], abs=0.02)
    (trade_row,) = tables["trades"].rows(named=True)
    assert trade_row["entry_price"] == pytest.approx(
        entry["price"] / ratio, rel=1e-9
    )  # in the scale of the exit


def test_dividends_are_paid_on_what_is_held(lean: Archive) -> None:
    """0.82 a share on 2020-08-07, before the split; 0.205 on 2020-11-06, on four times the shares."""
    strategy = {
        "module": "engine.strategies.buy_and_hold",
        "config": {"size": 100.0, "size_unit": "shares"},
    }
    loaded = trading_config(
        [strategy], start="2020-08-03", end="2020-11-30", symbols=["AAPL"], interval="1d"
    )
    (row,) = trade(loaded, lean)["trades"].rows(named=True)
    assert row["dividends"] == pytest.approx(100 * 0.82 + 400 * 0.205, abs=1.0)


def test_a_delisted_symbol_is_looked_at_no_more_and_a_position_in_it_is_ended(
    lean: Archive,
) -> None:
    """Falcon Products, FB until 2003-03-28 and afterwards nobody for nine years."""
    closes = lean.read_daily(["close"], None, None).filter(pl.col("symbol") == "FB.1")
    last = closes["date"][-1]
    strategy = {
        "module": "engine.strategies.buy_and_hold",
        "config": {"size": 100.0, "size_unit": "shares"},
    }
    scanner = {
        "module": "scanners.criteria_scanner",
        "pre_session": True,
        "regular_session": [{"at": "close"}],
        "config": {"universe": ["FB"], "criteria": {"price": "close > 0"}},
    }
    loaded = trading_config(
        [strategy],
        start="2003-03-03",
        end="2003-05-30",
        symbols=["FB.1"],
        scanners=[scanner],
        interval="1d",
    )
    tables = trade(loaded, lean)
    (row,) = tables["trades"].rows(named=True)
    after = [date for date in lean.sessions("1d") if date > last]
    assert (row["exit_reason"], row["session"], row["exit_price"]) == (
        "delisted",
        after[10],
        closes["close"][-1],
    )
    assert (
        tables["hits"]["session"].max() == last
    )  # the map knows that the ticker is nobody's; no look ahead, for it ends with the day


def test_without_a_map_a_dead_symbol_has_no_close_from_the_second_session_on(
    lean: Archive, tmp_path: Path
) -> None:
    last = lean.read_daily(["close"], None, None).filter(pl.col("symbol") == "FB.1")["date"][-1]
    scanner = {
        "module": "scanners.criteria_scanner",
        "pre_session": True,
        "config": {
            "universe": ["FB"],
            "criteria": {"before": "prev_close > 0"},
            "features": {"close": "close"},
        },
    }
    found = hits(
        config([scanner], interval="1d", start="2003-03-03", end="2003-05-30"),
        bare_archive(tmp_path),
    )
    after = [date for date in lean.sessions("1d") if date > last]
    assert found.filter(pl.col("close").is_not_null())["session"].max() == after[0]
    assert found["session"].max() == dt.date(2003, 5, 30)


def test_the_same_days_are_the_same_wherever_a_run_starts(lean: Archive) -> None:
    """Over a rename (WM), a reverse split (AIG), and splits and tickers used again before and after."""
    features = {f"at_{number}": key for number, key in enumerate(ORACLES)} | {
        "before": "prev_close"
    }
    scanner = {
        "module": "scanners.criteria_scanner",
        "pre_session": True,
        "regular_session": [{"at": "close"}],
        "config": {
            "universe": "all",
            "criteria": {"known": "known(prev_close)"},
            "features": features,
        },
    }
    long, short = (
        hits(config([scanner], interval="1d", start=start, end="2009-12-31"), lean)
        for start in ("2008-03-03", "2009-06-30")
    )
    assert {"WM", "AIG", "AAPL"} <= set(short["symbol"]) and len(short) > 2_000
    assert (
        long.filter(pl.col("session") >= dt.date(2009, 6, 30))
        .drop("promoted")
        .equals(short.drop("promoted"))
    )
