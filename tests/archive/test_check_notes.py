"""`archive check` tells of what is there, once, and ends with 1 for faults alone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import write_bars
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.quality.check_bars import check_archive
from engine.clock.calendar import ExchangeCalendar
from engine.schema import BAR_SCHEMA, CORPORATE_ACTIONS_SCHEMA
from tests.cli.barsweep import Barsweep

USED_AGAIN = "no bars for long: a ticker used again?"


def daily(tmp_path: Path, closes: dict[str, dict[dt.date, float]]) -> Archive:
    """An archive of daily bars at these prices."""
    rows = [
        (symbol, dt.datetime.combine(date, dt.time(5), dt.UTC), *[price] * 4, 1e6)
        for symbol, own in closes.items()
        for date, price in own.items()
    ]
    pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row").write_parquet(tmp_path / "days.parquet")
    import_bars(
        [tmp_path / "days.parquet"],
        tmp_path / "archive",
        ImportOptions(label="open", interval="1d"),
    )
    return Archive.open(tmp_path / "archive")


def sessions(first: dt.date, last: dt.date) -> list[dt.date]:
    return [session.date for session in ExchangeCalendar.of("XNYS").sessions(first, last)]


def test_a_gap_of_the_whole_archive_is_no_ticker_used_again(tmp_path: Path) -> None:
    """A year that the archive lacks is told once, and of no symbol."""
    dates = [
        *sessions(dt.date(2015, 11, 2), dt.date(2015, 12, 31)),
        *sessions(dt.date(2017, 1, 3), dt.date(2017, 2, 28)),
    ]
    everyone = {f"S{number:02d}": dict.fromkeys(dates, 10.0 + number) for number in range(99)}
    new = {"LATE": dict.fromkeys([date for date in dates if date.year == 2017], 5.0)}
    found = check_archive(daily(tmp_path, everyone | new))
    assert [(f.kind, f.where, f.count, f.fault) for f in found] == [
        ("missing session", "1d 2016-01-04 to 2016-12-30", 252, False)
    ]


def used_again(tmp_path: Path, days: int, before: float, after: float) -> list[tuple[str, str]]:
    """What is told of a symbol that stops and begins again so many days later, in a market that goes on."""
    dates = sessions(dt.date(2016, 1, 4), dt.date(2016, 12, 30))
    stops = dates[20]
    own = {date: before for date in dates[:21]} | {
        date: after for date in dates if date >= stops + dt.timedelta(days=days)
    }
    found = check_archive(daily(tmp_path, {"AAA": dict.fromkeys(dates, 20.0), "TWO": own}))
    return [(f.where, f.example) for f in found if f.kind == USED_AGAIN and not f.fault]


def test_another_company_at_another_price_is_told_of(tmp_path: Path) -> None:
    told = used_again(tmp_path, 132, 12.31, 194.28)
    assert told == [
        (
            "1d 2016-06-13 TWO",
            "the bar before is 132 days older, and closes at 12.31; this one opens at 194.28",
        )
    ]


@pytest.mark.parametrize(
    ("days", "before", "after", "told"),
    [
        (40, 194.28, 12.31, True),
        (20, 10.0, 21.0, True),
        (132, 10.0, 12.0, False),
        (200, 10.0, 12.0, True),
        (10, 10.0, 50.0, False),
    ],
)
def test_gaps_and_prices(
    days: int, before: float, after: float, told: bool, tmp_path: Path
) -> None:
    """A halt of some weeks at a like price is one company's; half a year is told whatever the price."""
    assert bool(used_again(tmp_path, days, before, after)) == told


def test_a_split_while_a_symbol_was_halted_is_no_other_company(tmp_path: Path) -> None:
    dates = sessions(dt.date(2016, 1, 4), dt.date(2016, 6, 30))
    own = {date: 80.0 for date in dates[:20]} | {date: 20.0 for date in dates[50:]}
    archive = daily(tmp_path, {"AAA": dict.fromkeys(dates, 20.0), "TWO": own})
    assert [f.kind for f in check_archive(archive)] == [USED_AGAIN]
    actions = pl.DataFrame(
        [("TWO", dates[30], 4.0, None)], schema=CORPORATE_ACTIONS_SCHEMA, orient="row"
    )
    actions.write_parquet(archive.path / layout.ACTIONS)
    assert check_archive(Archive.open(archive.path)) == []


def test_notes_alone_are_no_failure(tmp_path: Path, barsweep: Barsweep) -> None:
    """So that what stands behind `&&` goes on, and what a run must not see ends with 1."""
    dates = sessions(dt.date(2016, 1, 4), dt.date(2016, 2, 29))
    archive = daily(
        tmp_path, {"AAA": dict.fromkeys([date for date in dates if date != dates[3]], 20.0)}
    )
    for form in ("table", "json"):
        called = barsweep(
            "archive", "check", "--archive", archive.path, "--format", form, "--quiet"
        )
        assert called.status == 0 and "missing session" in called.out
    path = layout.daily_file(archive.path, 2016)
    bars = archive.read_daily_year(2016, [])
    broken = pl.read_parquet(path, hive_partitioning=False).with_columns(high=pl.lit(1.0))
    write_bars(path, broken)
    assert len(bars.days) == len(broken)
    for form in ("table", "json"):
        called = barsweep(
            "archive", "check", "--archive", archive.path, "--format", form, "--quiet"
        )
        assert called.status == 1 and "high below another price" in called.out


def test_sessions_that_follow_each_other_are_missing_together(tmp_path: Path) -> None:
    start = dt.datetime(2018, 3, 1, 14, 30, tzinfo=dt.UTC)
    days = [start + dt.timedelta(days=day) for day in (0, 1, 7, 8)]
    rows = [
        ("AAA", day + dt.timedelta(minutes=m), *[10.0 + m % 7 / 10] * 4, 5.0 + m)
        for day in days
        for m in range(390)
    ]
    pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row").write_parquet(tmp_path / "bars.parquet")
    import_bars([tmp_path / "bars.parquet"], tmp_path / "archive", ImportOptions(label="open"))
    found = [(f.kind, f.where, f.count) for f in check_archive(Archive.open(tmp_path / "archive"))]
    assert found == [("missing session", "1m 2018-03-05 to 2018-03-07", 3)]
