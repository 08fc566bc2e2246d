"""The session's own terms and those against a benchmark in a run, against calculations over the archive's bars."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.errors import ConfigError, IndicatorError
from tests.running import config, hits
from tests.session.test_splits import adjusted

DAYS = (dt.date(2017, 11, 14), dt.date(2017, 11, 15))
BENCHMARK = "MSFT"
SCHEDULE = [{"start": "09:31", "end": "15:51", "interval": "2m"}]


def scan(archive: Archive, start: dt.date, end: dt.date, **settings: Any) -> pl.DataFrame:
    universe = settings.pop("universe", None)
    scanner = {
        "module": "tests.session.terms_scanner",
        "regular_session": SCHEDULE,
        "config": {"universe": universe} if universe else {},
    }
    return hits(config([scanner], start=str(start), end=str(end), **settings), archive)


@pytest.fixture(scope="module")
def logged(demo: Archive) -> pl.DataFrame:
    return scan(demo, *DAYS, benchmark=BENCHMARK)


def regular(archive: Archive, date: dt.date) -> pl.DataFrame:
    session = archive.calendar.session(date)
    start = pl.col("timestamp").dt.epoch("us")
    bars = archive.read_session(
        date, ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
    )
    return bars.filter(start >= session.open, start < session.close).with_columns(
        known=pl.col("timestamp") + pl.duration(minutes=1)
    )


@pytest.mark.parametrize("day", DAYS)
def test_the_opening_range_is_known_when_it_is_over(
    day: dt.date, logged: pl.DataFrame, demo: Archive
) -> None:
    own, open_at = logged.filter(pl.col("session") == day), pl.lit(demo.calendar.session(day).open)
    minute = (pl.col("tick").dt.epoch("us") - open_at) / 60_000_000
    assert own.filter(minute < 5)["at_opening_range_5_1m.high"].is_null().all()
    bars = regular(demo, day)
    opening = bars.filter((pl.col("timestamp").dt.epoch("us") - open_at) / 60_000_000 < 5)
    expected = opening.group_by("symbol").agg(top=pl.col("high").max(), bottom=pl.col("low").min())
    after = own.filter(minute >= 5).join(expected, on="symbol", how="left")
    assert after["top"].null_count() < len(after)
    # a symbol whose first bar comes later has no opening range
    assert after["at_opening_range_5_1m.high"].eq_missing(after["top"]).all()
    assert after["at_opening_range_5_1m.low"].eq_missing(after["bottom"]).all()


@pytest.mark.parametrize("day", DAYS)
def test_gaps_and_extremes(day: dt.date, logged: pl.DataFrame, demo: Archive) -> None:
    before = max(date for date in demo.sessions() if date < day)
    last = regular(demo, before).group_by("symbol").agg(last=pl.col("close").last())
    bars = regular(demo, day)
    first = bars.group_by("symbol").agg(first=pl.col("open").first(), began=pl.col("known").first())
    own = (
        logged.filter(pl.col("session") == day)
        .join(last, on="symbol", how="left")
        .join(first, on="symbol", how="left")
    )
    expected = pl.when(pl.col("tick") >= pl.col("began")).then(
        100 * (pl.col("first") / pl.col("last") - 1)
    )
    checked = own.select(found="at_gap_percent_1m", expected=expected)
    assert checked["expected"].count() > 1000
    assert checked["found"].is_null().equals(checked["expected"].is_null())
    assert (checked["found"] - checked["expected"]).abs().max() < 1e-9
    since = bars.with_columns(
        high_so_far=pl.col("high").cum_max().over("symbol"),
        row=pl.int_range(pl.len()).over("symbol"),
    ).with_columns(made=pl.when(pl.col("high") == pl.col("high_so_far")).then(pl.col("row")))
    # of equal highs the first counts
    since = since.with_columns(made=pl.col("row").min().over("symbol", "high_so_far")).with_columns(
        since=pl.col("row") - pl.col("made")
    )
    joined = own.sort("tick").join_asof(
        since.sort("known"), left_on="tick", right_on="known", by="symbol", check_sortedness=False
    )
    assert (
        joined["at_session_extremes_1m.since_high"]
        .eq_missing(joined["since"].cast(pl.Float64))
        .all()
    )


def test_the_benchmark_is_the_benchmarks(logged: pl.DataFrame, demo: Archive) -> None:
    day = DAYS[1]
    daily = (
        demo.read_daily(["close"], None, day)
        .pivot(on="symbol", index="date", values="close")
        .tail(6)
    )
    own = logged.filter(pl.col("session") == day).unique("symbol", keep="last")
    returns = {
        name: np.diff(daily[name]) / daily[name].to_numpy()[:-1]
        for name in daily.columns[1:]
        if daily[name].null_count() == 0
    }
    market = returns[BENCHMARK]
    checked = 0
    for row in own.filter(pl.col("symbol").is_in(list(returns))).iter_rows(named=True):
        slope = np.polyfit(market, returns[row["symbol"]], 1)[0]
        assert row["at_beta_5_1d"] == pytest.approx(slope, rel=1e-8)
        assert row["at_correlation_5_1d"] == pytest.approx(
            np.corrcoef(market, returns[row["symbol"]])[0, 1], rel=1e-8
        )
        stronger = (
            daily[row["symbol"]][-1]
            / daily[row["symbol"]][0]
            / (daily[BENCHMARK][-1] / daily[BENCHMARK][0])
        )
        assert row["at_relative_strength_5_1d"] == pytest.approx(
            100 * (stronger - 1), rel=1e-8, abs=1e-9
        )
        checked += 1
    assert checked > 20


def test_a_benchmark_that_splits_is_seen_in_the_scale_of_the_day(demo: Archive) -> None:
    splits = demo.corporate_actions().filter(pl.col("split_ratio").is_not_null())
    benchmark, ex_date = splits.select("symbol", "ex_date").row(0)
    other = next(s for s in ("AAPL", "MSFT", "JPM") if s not in splits["symbol"].to_list())
    first = scan(demo, ex_date, ex_date, benchmark=benchmark, universe=[other]).filter(
        pl.col("price").is_not_null()
    )
    minutes, _ = adjusted(demo, benchmark)
    bars = pl.concat([regular(demo, date) for date in demo.sessions() if date <= ex_date]).filter(
        pl.col("symbol") == other
    )
    both = bars.select("timestamp", "close").join_asof(
        minutes.select("timestamp", market="close"), on="timestamp"
    )
    stronger = both.with_columns(
        expected=100
        * (
            (pl.col("close") / pl.col("close").shift(20))
            / (pl.col("market") / pl.col("market").shift(20))
            - 1
        )
    )
    joined = first.join(stronger, left_on="at", right_on="timestamp")
    known = joined.filter(pl.col("at_relative_strength_20_1m").is_not_null())
    assert len(known) > 100
    assert (known["at_relative_strength_20_1m"] - known["expected"]).abs().max() < 1e-9


def test_pre_market_terms_need_extended_hours(demo: Archive) -> None:
    wide = scan(demo, *DAYS, benchmark=BENCHMARK, extended_hours=True)
    day = DAYS[0]
    session = demo.calendar.session(day)
    start = pl.col("timestamp").dt.epoch("us")
    early = demo.read_session(day, ["symbol", "timestamp", "high", "volume"]).filter(
        start < session.open
    )
    expected = early.group_by("symbol").agg(volume=pl.col("volume").sum(), top=pl.col("high").max())
    late = (
        wide.filter(pl.col("session") == day)
        .unique("symbol", keep="last")
        .join(expected, on="symbol")
    )
    assert len(late) > 5
    assert late["at_premarket_1m.volume"].equals(late["volume"].alias("at_premarket_1m.volume"))
    assert late["at_premarket_1m.high"].equals(late["top"].alias("at_premarket_1m.high"))


def test_without_a_benchmark_its_terms_are_refused(demo: Archive) -> None:
    with pytest.raises(IndicatorError, match=r"benchmark"):
        scan(demo, *DAYS)
    with pytest.raises(ConfigError, match=r"NOPE"):
        scan(demo, *DAYS, benchmark="NOPE")
