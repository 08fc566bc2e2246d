"""The same month gives the same tables alone, in a longer run, and from any start date."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from tests.running import EVERY_5_MINUTES, config, momentum, tables

INDICATORS = [
    {"name": "ema", "params": {"period": 50}, "interval": "15m"},
    {"name": "rsi", "params": {"period": 5}, "interval": "1d"},
    {"name": "macd", "interval": "5m"},
]


def run(archive: Archive, start: str, end: str) -> dict[str, pl.DataFrame]:
    scanners = [
        momentum(min_change=0.005, min_rsi=55.0),
        {"module": "tests.session.wide_scanner", "regular_session": EVERY_5_MINUTES},
        {
            "module": "scanners.hybrid_scanner",
            "regular_session": EVERY_5_MINUTES,
            "config": {"min_gap": 0.005, "min_rvol": 1.0, "rvol_sessions": 7},
        },
    ]
    return tables(
        config(
            scanners,
            start=start,
            end=end,
            indicators=INDICATORS,
            symbols=["AAPL"],
            benchmark="MSFT",
        ),
        archive,
    )


@pytest.fixture(scope="module")
def two_months(demo: Archive) -> dict[str, pl.DataFrame]:
    return run(demo, "2017-11-01", "2017-12-29")


def equal(found: pl.DataFrame, expected: pl.DataFrame) -> bool:
    return len(expected) > 0 and found.select(expected.columns).equals(expected)


@pytest.mark.parametrize("table", ["scans", "hits", "symbols", "quality"])
def test_two_months_equal_the_two_alone(
    table: str, two_months: dict[str, pl.DataFrame], demo: Archive
) -> None:
    november, december = (
        run(demo, "2017-11-01", "2017-11-30"),
        run(demo, "2017-12-01", "2017-12-29"),
    )
    assert equal(two_months[table], pl.concat([november[table], december[table]]))


@pytest.mark.parametrize("start", ["2017-11-24", "2017-12-08", "2017-12-18"])
def test_a_later_start_gives_the_same_rows(
    start: str, two_months: dict[str, pl.DataFrame], demo: Archive
) -> None:
    later = run(demo, start, "2017-12-29")
    for name, table in two_months.items():
        assert equal(later[name], table.filter(pl.col("session") >= dt.date.fromisoformat(start)))


def test_an_early_close_alone_is_seeded_as_in_a_longer_run(tmp_path: Path) -> None:
    make_demo(tmp_path, symbols=12, sessions=26, start=dt.date(2018, 6, 1))
    archive, early = Archive.open(tmp_path), dt.date(2018, 7, 3)
    assert archive.calendar.session(early).is_early_close
    hasty = {
        "module": "tests.audit.short_warm_up",
        "regular_session": EVERY_5_MINUTES,
    }  # its seed can be seen
    alone, longer = (
        tables(config([hasty], start=str(early), end=end), archive)["hits"]
        for end in (str(early), "2018-07-05")
    )
    assert equal(alone, longer.filter(pl.col("session") == early))


def test_real_months_equal_the_whole(us2018: Archive) -> None:
    whole = run(us2018, "2018-02-16", "2018-04-20")["hits"]
    parts = [
        run(us2018, *span)["hits"]
        for span in (("2018-02-16", "2018-03-15"), ("2018-03-16", "2018-04-20"))
    ]
    assert equal(whole, pl.concat(parts))


@pytest.mark.parametrize("start", ["2016-01-04", "2016-06-15", "2017-03-01"])
def test_years_of_daily_bars_are_the_same_from_any_start(start: str, sp500: Archive) -> None:
    scanner = {
        "module": "scanners.criteria_scanner",
        "regular_session": [{"at": "close"}],
        "pre_session": True,
        "config": {
            "criteria": {"a": "close > ema_50_1d and rsi_14_1d > 55 and close > prev_close"},
            "features": {"ema": "ema_50_1d", "rsi": "rsi_14_1d", "high": "session_high"},
        },
    }
    whole, part = (
        tables(config([scanner], start=day, end="2017-04-28"), sp500)
        for day in ("2015-07-01", start)
    )
    for name in ("hits", "scans"):
        assert equal(
            part[name], whole[name].filter(pl.col("session") >= dt.date.fromisoformat(start))
        )
