"""Sessions by the calendar's open and close, lunch breaks, and calendars that have to be built out
of their parts.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.archive_info import describe
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.archive.quality.archive_diff import diff_archives
from engine.archive.quality.check_bars import check_archive
from engine.archive.quality.complete_enough import CompleteEnough
from engine.archive.quality.completeness import ArchiveQuality
from engine.archive.reference.universe import FixedUniverse
from engine.clock.calendar import NO_DAY, ExchangeCalendar, Session
from engine.clock.interval import Interval
from engine.clock.schedule import Schedule
from engine.compute.bar_coverage import coverage
from engine.errors import CalendarError
from tests.archive.sources import clock, csv, imported, written
from tests.cli.barsweep import Barsweep
from tests.running import config, tables

FORM = "%Y-%m-%d %H:%M"
MONDAY = dt.date(2020, 4, 20)
OVERNIGHT = {
    "CMES": "America/Chicago",
    "us_futures": "America/New_York",
    "IEPA": "America/New_York",
}
EVENINGS = {"CMES": "17:00", "us_futures": "18:00", "IEPA": "20:00"}


def futures(
    exchange: str, folder: Path, days: int = 3, hours: int = 22, **options: object
) -> Archive:
    """From the evening before on, so many hours of minutes; Monday's first bar is at 3900.00."""
    text = ""
    for day in range(days):
        evening = MONDAY + dt.timedelta(days=day - 1)
        part = csv(
            (f"{t:{FORM}}" for t in clock(f"{evening} {EVENINGS[exchange]}", 60 * hours)),
            3900.0 + 100 * day,
        )
        text += part if day == 0 else part.split("\n", 1)[1]
    archive, summary = imported(
        folder, {"ES.csv": text}, exchange=exchange, timezone=OVERNIGHT[exchange], **options
    )
    assert not summary.quarantined
    return archive


# -- sessions that open the evening before


@pytest.mark.parametrize("exchange", OVERNIGHT)
@pytest.mark.parametrize("interval", [None, "1m"])
def test_the_evening_is_part_of_the_next_days_session(
    exchange: str, interval: str | None, tmp_path: Path
) -> None:
    archive = futures(exchange, tmp_path, interval=interval)
    dates = [MONDAY + dt.timedelta(days=n) for n in range(3)]
    assert archive.sessions() == archive.sessions("1d") == dates
    assert [len(archive.read_session(date, ["close"])) for date in dates] == [60 * 22] * 3
    days = archive.read_daily(["open", "close"], None, None)
    assert days["date"].to_list() == dates and days["open"].to_list() == [3900.0, 4000.0, 4100.0]
    assert not [finding for finding in check_archive(archive) if finding.fault]
    assert diff_archives(archive, archive) == []
    assert [one.sessions for one in describe(archive).intervals] == [3, 3]


def test_the_example(tmp_path: Path) -> None:
    """CMES, Sunday 17:00 to Monday 16:00: 960 bars from 3904.20 on before, under the wrong date."""
    archive = futures("CMES", tmp_path, days=1, hours=23)
    bars = archive.read_session(MONDAY, ["open"])
    assert (archive.sessions(), len(bars), bars["open"][0]) == ([MONDAY], 1380, 3900.0)
    (quality,) = ArchiveQuality(archive)
    assert quality.select("expected", "present", "longest_gap").row(0) == (1440, 1380, 60.0)


@pytest.mark.parametrize("exchange", OVERNIGHT)
def test_days_are_of_the_session_however_they_are_labelled(exchange: str, tmp_path: Path) -> None:
    calendar = ExchangeCalendar.of(exchange)
    sessions = calendar.sessions(
        dt.date(2020, 3, 2), dt.date(2020, 3, 31)
    )  # over a change of daylight saving
    opens, closes = (
        [f"{dt.datetime.fromtimestamp(at / 1e6, dt.UTC):%Y-%m-%dT%H:%M:%SZ}" for at in times]
        for times in ([s.open for s in sessions], [s.close for s in sessions])
    )
    dates = [session.date for session in sessions]
    for number, (label, times) in enumerate(
        (("open", opens), ("close", closes), ("open", list(map(str, dates))))
    ):
        archive, summary = imported(
            tmp_path / str(number),
            {"ES.csv": csv(times)},
            exchange=exchange,
            label=label,
            interval="1d",
        )
        assert archive.sessions("1d") == dates and not summary.quarantined
        assert archive.read_daily_year(2020, ["close"]).days.tolist() == [
            (date - dt.date(1970, 1, 1)).days for date in dates
        ]


@pytest.mark.parametrize("filed_by", ["session", "the date on the wall", "the date in UTC"])
def test_in_place_files_by_any_date(filed_by: str, tmp_path: Path) -> None:
    whole = futures("CMES", tmp_path / "imported")
    bars = pl.concat(
        [
            whole.read_session(
                date, ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
            ).with_columns(session=pl.lit(date))
            for date in whole.sessions()
        ]
    )
    by = {
        "session": pl.col("session"),
        "the date in UTC": pl.col("timestamp").dt.date(),
        "the date on the wall": pl.col("timestamp")
        .dt.convert_time_zone("America/Chicago")
        .dt.date(),
    }[filed_by]
    folder = tmp_path / "files"
    folder.mkdir()
    for (date,), own in (
        bars.with_columns(by.alias("file")).partition_by("file", as_dict=True).items()
    ):
        own.drop("file", "session").write_parquet(folder / f"{date}.parquet")
    archive = init_in_place(folder, folder, InPlaceOptions("open", "CMES"))
    assert archive.sessions()[: len(whole.sessions())] == whole.sessions()
    assert diff_archives(whole, archive) == []
    assert not [
        finding
        for finding in check_archive(archive)
        if finding.fault or "another date" in finding.kind
    ]


def test_scans_and_runs_see_the_evening(tmp_path: Path, barsweep: Barsweep) -> None:
    archive = futures("CMES", tmp_path)
    found = barsweep("scan", "--where", "close > 0", "--archive", archive.path, "--format", "csv")
    assert found.status == 0 and "2020-04-19T22:05" in found.out.replace(" ", "T")
    criteria = {
        "module": "scanners.criteria_scanner",
        "config": {"criteria": {"all": "close > 0"}},
        "regular_session": [
            {"start": "17:30", "end": "23:30", "interval": "1h"},
            {"start": "00:30", "end": "15:30", "interval": "1h"},
        ],
    }
    hits = tables(config([criteria], start=str(MONDAY), end=str(MONDAY)), archive)["hits"]
    local = hits["tick"].dt.convert_time_zone("America/Chicago")
    assert (
        local.dt.date().unique().sort().to_list() == [MONDAY - dt.timedelta(days=1), MONDAY]
        and len(hits) == 23
    )
    assert hits["session"].unique().to_list() == [MONDAY]


@given(
    st.sampled_from([*OVERNIGHT, "XNYS", "XTKS", "XASX", "24/7"]),
    st.dates(dt.date(2015, 1, 1), dt.date(2024, 12, 31)),
    st.integers(0, 1440),
)
@settings(max_examples=80, deadline=None)
def test_a_time_within_a_session_is_of_it(exchange: str, date: dt.date, minutes: int) -> None:
    calendar = ExchangeCalendar.of(exchange)
    session = calendar.sessions(date, date + dt.timedelta(days=15))[0]
    at = session.open + min(minutes * 60_000_000, session.close - session.open - 1)
    assert calendar.open_at(np.array([at])).tolist() == [(session.date - dt.date(1970, 1, 1)).days]
    between = calendar.sessions(
        session.date + dt.timedelta(days=1), session.date + dt.timedelta(days=15)
    )[0].open
    if between > session.close:
        assert calendar.open_at(np.array([session.close])).tolist() == [NO_DAY]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("17:00-23:00/1h", "22:00", "04:00"),
        ("00:00-16:00/1h", "05:00", "21:00"),
        ("09:30-15:30/1h", "14:30", "20:30"),
    ],
)
def test_a_schedule_of_the_evening_is_of_the_evening_before(
    text: str, first: str, last: str
) -> None:
    session = ExchangeCalendar.of("CMES").session(MONDAY)
    ticks = [
        dt.datetime.fromtimestamp(at / 1e6, dt.UTC)
        for at in Schedule.parse(text).ticks(session).tolist()
    ]
    assert (f"{ticks[0]:%H:%M}", f"{ticks[-1]:%H:%M}") == (first, last)
    assert (
        session.open <= ticks[0].timestamp() * 1e6 and ticks[-1].timestamp() * 1e6 <= session.close
    )


# -- lunch breaks

BREAKS = {
    "XTKS": ("Asia/Tokyo", [("09:00", 150), ("12:30", 150)]),
    "XHKG": ("Asia/Hong_Kong", [("09:30", 150), ("13:00", 180)]),
    "XSHG": ("Asia/Shanghai", [("09:30", 120), ("13:00", 120)]),
}


def with_break(
    exchange: str, folder: Path, days: tuple[str, ...] = ("2018-03-05", "2018-03-06")
) -> Archive:
    zone, parts = BREAKS[exchange]
    times = [
        time for day in days for start, count in parts for time in clock(f"{day} {start}", count)
    ]
    return imported(folder, {"AAA.csv": written(times, FORM)}, exchange=exchange, timezone=zone)[0]


@pytest.mark.parametrize("exchange", BREAKS)
def test_a_break_is_not_missing(exchange: str, tmp_path: Path) -> None:
    archive = with_break(exchange, tmp_path)
    minutes = sum(count for _, count in BREAKS[exchange][1])
    for rows in ArchiveQuality(archive):
        assert rows.select("expected", "present", "quality_percent", "longest_gap").row(0) == (
            minutes,
            minutes,
            100.0,
            0.0,
        )
    assert [info.coverage_percent for info in describe(archive).intervals] == [100.0, 100.0]
    universe = CompleteEnough(FixedUniverse(["AAA"], ["AAA"]), archive, Interval.parse("1m"), 90, 5)
    assert universe.members(dt.date(2018, 3, 6)) == ["AAA"]
    criteria = {
        "module": "scanners.criteria_scanner",
        "config": {"criteria": {"full": "quality > 99.9"}},
        "regular_session": [{"start": "10:00", "end": "14:30", "interval": "30m"}],
    }
    found = tables(config([criteria], start="2018-03-05", end="2018-03-06"), archive)
    assert found["quality"].select(
        "expected", "present", "quality_percent", "longest_gap"
    ).unique().rows() == [(minutes, minutes, 100.0, 0.0)]
    assert len(found["hits"]) == 2 * 10


@given(
    st.lists(st.integers(0, 359), max_size=300, unique=True).map(sorted),
    st.sampled_from([1, 5, 30]),
)
@settings(max_examples=60, deadline=None)
def test_the_longest_gap_against_its_slow_twin(places: list[int], length: int) -> None:
    """Minutes of XTKS without a bar on end, of those in which there is trading."""
    session = ExchangeCalendar.of("XTKS").session(dt.date(2018, 3, 5))
    starts = sorted({place - place % length for place in places})
    times = np.array([session.open + start * 60_000_000 for start in starts], np.int64)
    first, last, longest = (np.empty(1, np.int64) for _ in range(3))
    bounds = np.array([0], np.int64), np.array([len(times)], np.int64)
    coverage(
        *bounds,
        times,
        session.open,
        session.close,
        session.break_start,
        session.break_end,
        length * 60_000_000,
        first,
        last,
        longest,
    )
    covered = {minute for start in starts for minute in range(start, start + length)}
    gap = most = 0
    for minute in range(360):
        gap = 0 if minute in covered else gap + (not 150 <= minute < 210)
        most = max(most, gap)
    assert longest[0] == most * 60_000_000


@given(
    st.sampled_from(["XTKS", "XHKG", "XNYS", "CMES"]),
    st.sampled_from(["1m", "5m", "15m", "30m", "1h", "1d"]),
)
def test_expected_bars_are_those_that_begin_in_trading(exchange: str, name: str) -> None:
    session, interval = (
        ExchangeCalendar.of(exchange).session(dt.date(2018, 3, 5)),
        Interval.parse(name),
    )
    if interval.is_daily:
        assert session.bars(interval) == 1
        return
    parts = (
        [(session.open, session.break_start), (session.break_end, session.close)]
        if session.break_end
        else [(session.open, session.close)]
    )
    assert session.bars(interval) == sum(
        len(range(begin, end, interval.micros)) for begin, end in parts
    )


# -- calendars that the library cannot build

# Closed and open days as the exchanges published them.
PUBLISHED = {
    "XTAE": (
        ["2020-04-09", "2020-04-15", "2020-09-28", "2020-03-02", "2020-04-10"],
        ["2020-04-05", "2020-04-16", "2020-09-29"],
    ),
    "ASEX": (
        ["2020-04-17", "2020-04-20", "2020-03-25", "2020-06-08", "2020-03-02"],
        ["2020-04-16", "2020-04-21", "2020-06-09"],
    ),
    "XBEL": (["2020-04-17", "2020-04-20", "2020-05-01"], ["2020-04-16", "2020-04-21"]),
    "XBSE": (["2020-04-17", "2020-04-20", "2020-06-08"], ["2020-04-16", "2020-04-21"]),
    "XCYS": (["2020-04-17", "2020-04-20", "2020-03-02"], ["2020-04-16", "2020-04-22"]),
    "XBOM": (["2024-01-26"], ["2024-01-20", "2025-02-01"]),  # special sessions on Saturdays
    "XMOS": (["2018-05-01"], ["2018-04-28", "2018-06-09"]),
}


@pytest.mark.parametrize("exchange", PUBLISHED)
def test_calendars_out_of_their_parts(exchange: str) -> None:
    closed, opened = ([dt.date.fromisoformat(day) for day in days] for days in PUBLISHED[exchange])
    calendar = ExchangeCalendar.of(exchange)
    dates = {
        session.date for session in calendar.sessions(min(closed + opened), max(closed + opened))
    }
    assert dates.isdisjoint(closed) and dates.issuperset(opened)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("exchange", ["XNYS", "XLON", "XTKS", "XETR", "XHKG", "ASEX"])
def test_out_of_their_parts_they_are_what_the_library_builds(exchange: str) -> None:
    import pandas as pd
    from exchange_calendars import calendar_utils

    from engine.clock import from_parts

    factory = calendar_utils._default_calendar_factories[exchange]
    span = pd.Timestamp("2017-12-01"), pd.Timestamp("2019-01-31")
    assert from_parts._sessions(factory(*span)) == from_parts._sessions(
        from_parts._class_of_parts(factory, *span)(*span)
    )


def test_a_calendar_that_cannot_be_built_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from engine.clock import from_parts

    class Broken:
        @classmethod
        def bound_min(cls) -> None:
            return None

        bound_max = bound_min

        def __init__(self, *_: object) -> None:
            raise ValueError(
                "Special dates [" + ", ".join(map(str, range(5000))) + "] are not sessions."
            )

    with pytest.raises(
        CalendarError, match="XXXX: exchange_calendars cannot build this calendar"
    ) as told:
        from_parts.build_calendar(Broken, "XXXX", dt.date(2018, 1, 1), dt.date(2019, 1, 1))
    assert len(str(told.value)) < 600


@pytest.mark.parametrize("name", ["24/7@America/Chicag", "24/7@", "24/7@Mars/Phobos"])
def test_a_zone_that_is_none(name: str) -> None:
    with pytest.raises(CalendarError, match=r"unknown (zone|exchange)"):
        ExchangeCalendar(name)


def test_days_of_a_zone_round_the_clock() -> None:
    """The day of the change to daylight saving has 23 hours."""
    sessions: list[Session] = ExchangeCalendar.of("24/7@America/Chicago").sessions(
        dt.date(2018, 3, 10), dt.date(2018, 3, 12)
    )
    assert [session.minutes for session in sessions] == [1440, 1380, 1440]
    assert all(a.close == b.open for a, b in pairwise(sessions))
    assert dt.datetime.fromtimestamp(sessions[0].open / 1e6, dt.UTC) == dt.datetime(
        2018, 3, 10, 6, tzinfo=dt.UTC
    )
