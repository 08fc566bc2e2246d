"""Bars that are longer than their interval, labelled by the other end, or off the minute are not
taken for what they are not.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.archive.quality.check_bars import check_archive
from engine.archive.vendor_files.spacing import Spacing
from engine.archive.vendor_files.vendors import LAYOUTS
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import Interval
from engine.errors import ArchiveError, BarImportError
from engine.schema import BAR_SCHEMA
from tests.archive.sources import HEAD, clock, csv, imported, written
from tests.cli.barsweep import Barsweep
from tests.data import real_data

NYSE = ExchangeCalendar.of("XNYS")
NEW_YORK = {"timezone": "America/New_York"}
FORM = "%Y-%m-%d %H:%M"
FRIDAYS = [
    dt.date(2018, 3, 2) + dt.timedelta(weeks=n) for n in range(4)
]  # the 30th was Good Friday, and is no session
MONDAYS = [dt.date(2018, 3, 5) + dt.timedelta(weeks=n) for n in range(4)]
MONTHS = [dt.date(2018, month, 1) for month in range(1, 7)]


def faults(archive: Archive) -> list[str]:
    return [finding.kind for finding in check_archive(archive) if finding.fault]


def interval_named(archive: Archive, old: str, new: str) -> Archive:
    """The archive as one from before imports looked: its bars under another interval."""
    os.rename(archive.path / f"bars/interval={old}", archive.path / f"bars/interval={new}")
    told = archive.manifest.model_copy(update={"intervals": (new, "1d")})
    (archive.path / "archive.json").write_text(told.model_dump_json())
    return Archive.open(archive.path)


# -- longer than they are said to be


@pytest.mark.parametrize("days", [FRIDAYS, MONDAYS, MONTHS], ids=["Fridays", "Mondays", "months"])
@pytest.mark.parametrize("interval", [None, "1d"])
def test_weeks_and_months_are_no_days(
    days: list[dt.date], interval: str | None, tmp_path: Path
) -> None:
    with pytest.raises(BarImportError, match=r"never less than .* sessions apart: longer than 1d"):
        imported(
            tmp_path,
            {"AAA.csv": csv(map(str, days)), "BBB.csv": csv(map(str, days))},
            interval=interval,
        )
    assert not (tmp_path / "archive" / "archive.json").exists()


def weekly(name: str) -> tuple[str, str]:
    """A file of a vendor's daily layout that holds weeks."""
    prices = "10,11,9,10.5"
    by_layout = {
        "yahoo": (
            "AAA.csv",
            [
                "Date,Open,High,Low,Close,Adj Close,Volume",
                *(f"{day},{prices},1,100" for day in MONDAYS),
            ],
        ),
        "stooq": (
            "aaa_us_d.csv",
            ["Date,Open,High,Low,Close,Volume", *(f"{day},{prices},100" for day in MONDAYS)],
        ),
        "stooq-bulk": (
            "daily/aaa.us.txt",
            [
                "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
                *(f"AAA.US,W,{day:%Y%m%d},000000,{prices},100,0" for day in MONDAYS),
            ],
        ),
        "alpaca": (
            "bars.csv",
            [
                "symbol,timestamp,open,high,low,close,volume,trade_count,vwap",
                *(f"AAA,{day} 04:00:00+00:00,{prices},100,9,10" for day in MONDAYS),
            ],
        ),
        "massive": (
            "day_aggs_v1/2018.csv",
            [
                "ticker,volume,open,close,high,low,window_start,transactions",
                *(
                    f"AAA,100,10,10.5,11,9,{int(dt.datetime(day.year, day.month, day.day, 5, tzinfo=dt.UTC).timestamp())}000000000,9"
                    for day in MONDAYS
                ),
            ],
        ),
        "firstrate": ("AAA_full_1day_UNADJUSTED.txt", [f"{day},{prices},100" for day in MONDAYS]),
        "kibot-daily": ("AAA.txt", [f"{day:%m/%d/%Y},{prices},100" for day in MONDAYS]),
    }
    path, lines = by_layout[name]
    return path, "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "name", ["yahoo", "stooq", "stooq-bulk", "alpaca", "massive", "firstrate", "kibot-daily"]
)
def test_weeks_in_a_vendors_daily_layout(name: str, tmp_path: Path) -> None:
    path, text = weekly(name)
    (tmp_path / "source" / path).parent.mkdir(parents=True)
    (tmp_path / "source" / path).write_text(text)
    with pytest.raises(BarImportError, match="never less than 5 sessions apart"):
        import_bars([tmp_path / "source"], tmp_path / "archive", ImportOptions(layout=name))
    assert name in LAYOUTS


@pytest.mark.parametrize("declared", ["1m", None])
@pytest.mark.parametrize(("minutes", "count"), [(5, 78), (15, 26), (30, 13), (2, 195)])
def test_longer_bars_are_not_minutes(
    minutes: int, count: int, declared: str | None, tmp_path: Path
) -> None:
    text = written(clock("2018-03-05 09:30", count, minutes), FORM)
    if declared is None:
        assert imported(tmp_path, {"AAA.csv": text}, **NEW_YORK)[1].interval == f"{minutes}m"
        return
    with pytest.raises(
        BarImportError, match=f"never less than 0:{minutes:02}:00 apart: longer than 1m"
    ):
        imported(tmp_path, {"AAA.csv": text}, interval=declared, **NEW_YORK)


def test_five_minutes_in_the_layout_of_minutes(tmp_path: Path) -> None:
    source = tmp_path / "minute_aggs_v1/2018-03-05.csv"
    source.parent.mkdir()
    begin = int(dt.datetime(2018, 3, 5, 14, 30, tzinfo=dt.UTC).timestamp())
    rows = [f"AAA,100,10,10.5,11,9,{begin + 300 * n}000000000,9" for n in range(78)]
    source.write_text(
        "\n".join(["ticker,volume,open,close,high,low,window_start,transactions", *rows]) + "\n"
    )
    with pytest.raises(BarImportError, match="never less than 0:05:00 apart"):
        import_bars([source.parent], tmp_path / "archive", ImportOptions())


def test_one_symbol_of_longer_bars_among_others(tmp_path: Path) -> None:
    files = {
        "AAA.csv": written(clock("2018-03-05 09:30", 390), FORM),
        "BBB.csv": written(clock("2018-03-05 09:30", 78, 5), FORM),
    }
    with pytest.raises(BarImportError, match="bars of BBB are never less than 0:05:00 apart"):
        imported(tmp_path, files, **NEW_YORK)


def test_a_thin_symbol_of_minutes_is_one_of_minutes(tmp_path: Path) -> None:
    """The commonest distance is two minutes; with labels of the close its first bar was filed at
    09:29.
    """
    at = [1, 3, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 30, 32, 34]
    times = [dt.datetime(2018, 3, 5, 9, 30) + dt.timedelta(minutes=n) for n in at]
    archive, summary = imported(
        tmp_path, {"AAA.csv": written(times, FORM)}, label="close", **NEW_YORK
    )
    first = archive.read_session(dt.date(2018, 3, 5), ["timestamp"])["timestamp"][0]
    assert (summary.interval, first) == ("1m", dt.datetime(2018, 3, 5, 14, 30, tzinfo=dt.UTC))


def test_hours_by_the_clock_are_not_half_hours(tmp_path: Path) -> None:
    """A first bar from 09:30, then from 10:00 on: half an hour and hours apart."""
    days = [session.date for session in NYSE.sessions(dt.date(2018, 3, 5), dt.date(2018, 3, 16))]
    times = [
        dt.datetime.combine(day, time)
        for day in days
        for time in (dt.time(9, 30), *(dt.time(hour) for hour in range(10, 16)))
    ]
    with pytest.raises(
        BarImportError,
        match=r"0:30:00, 1:00:00 apart, which several intervals may be; .*give --interval",
    ):
        imported(tmp_path, {"AAA.csv": written(times, FORM)}, **NEW_YORK)
    _, summary = imported(tmp_path, {"AAA.csv": written(times, FORM)}, interval="1h", **NEW_YORK)
    assert summary.interval == "1h" and not summary.quarantined


MINUTES = st.lists(st.integers(0, 389), min_size=12, max_size=120, unique=True).map(sorted)


@given(st.sampled_from([1, 5, 15, 30]), MINUTES)
@settings(max_examples=60, deadline=None)
def test_no_bars_are_taken_for_shorter_ones(length: int, places: list[int]) -> None:
    """However many bars are missing: what is inferred is never shorter than the bars, and what is
    declared so is refused.
    """
    starts = sorted({place // length for place in places})
    open_ = NYSE.session(dt.date(2018, 3, 5)).open
    times = pl.Series(
        [open_ + start * length * 60_000_000 for start in starts], dtype=pl.Int64
    ).cast(BAR_SCHEMA["timestamp"])
    spacing = Spacing.of(pl.DataFrame({"symbol": ["A"] * len(times), "timestamp": times}), NYSE)
    inferred = spacing.interval()
    assert inferred is None or inferred.minutes % length == 0
    assert spacing.too_long(
        Interval.parse(f"{length}m")
    ) is None or spacing.interval() != Interval.parse(f"{length}m")
    if length > 1 and len(times) > 10:
        assert spacing.too_long(Interval.parse("1m"))
    assert Spacing.from_json(json.loads(json.dumps(spacing.as_json()))) == spacing


def test_check_and_audit_tell_of_archives_that_exist(tmp_path: Path, barsweep: Barsweep) -> None:
    five, _ = imported(
        tmp_path / "five", {"AAA.csv": written(clock("2018-03-05 09:30", 78, 5), FORM)}, **NEW_YORK
    )
    assert faults(five) == []
    old = interval_named(five, "5m", "1m")
    assert faults(old) == ["bars longer than 1m"]
    found = barsweep(
        "audit",
        "--where",
        "close > 0",
        "--archive",
        old.path,
        "--ticks",
        1,
        "--no-warm-up",
        "--schedule",
        "10:00-11:00/5m",
    )
    assert found.status == 1 and "never less than 0:05:00 apart" in found.err
    days = [session.date for session in NYSE.sessions(dt.date(2018, 3, 1), dt.date(2018, 3, 29))]
    daily, _ = imported(tmp_path / "daily", {"AAA.csv": csv(map(str, days))})
    assert faults(daily) == []
    file = daily.daily_file(2018)
    weeks = pl.read_parquet(file, hive_partitioning=False)[::5]
    weeks.write_parquet(file)
    assert "bars longer than 1d" in faults(Archive.open(daily.path))
    found = barsweep(
        "audit", "--where", "close > 0", "--archive", daily.path, "--ticks", 1, "--no-warm-up"
    )
    assert found.status == 1 and "never less than 5 sessions apart" in found.err


# -- labelled by the other end


def day_of(label: str, declared: str, minutes: int, folder: Path, **options: object) -> object:
    ends = minutes if label == "close" else 0
    times = [
        time
        for day in ("2018-03-05", "2018-03-06")
        for time in clock(f"{day} 09:30", 390 // minutes, minutes)
    ]
    text = written([time + dt.timedelta(minutes=ends) for time in times], FORM)
    return imported(
        folder, {"AAA.csv": text}, label=declared, interval=f"{minutes}m", **NEW_YORK, **options
    )


@pytest.mark.parametrize("minutes", [1, 5, 30])
def test_the_wrong_label_is_refused(minutes: int, tmp_path: Path) -> None:
    with pytest.raises(
        BarImportError, match=r"no bar is in the last interval of a session, .*--label open"
    ):
        day_of("open", "close", minutes, tmp_path / "a")
    with pytest.raises(
        BarImportError, match=r"no bar is in the first interval of a session, .*--label close"
    ):
        day_of("close", "open", minutes, tmp_path / "b")
    for label in ("open", "close"):
        day_of(label, label, minutes, tmp_path / label)


def test_real_minutes_under_the_wrong_label(tmp_path: Path) -> None:
    source = (
        pl.scan_parquet(real_data("us_1min_2018.parquet")).filter(pl.col("symbol") < "AR").collect()
    )
    source.write_parquet(tmp_path / "bars.parquet")
    with pytest.raises(BarImportError, match="give --label open"):
        import_bars([tmp_path / "bars.parquet"], tmp_path / "wrong", ImportOptions(label="close"))
    ends = source.with_columns(pl.col("timestamp") + pl.duration(minutes=1))
    ends.write_parquet(tmp_path / "ends.parquet")
    with pytest.raises(BarImportError, match="give --label close"):
        import_bars([tmp_path / "ends.parquet"], tmp_path / "wrong", ImportOptions(label="open"))
    import_bars([tmp_path / "bars.parquet"], tmp_path / "right", ImportOptions(label="open"))
    assert faults(Archive.open(tmp_path / "right")) == []


@pytest.mark.parametrize("label", ["open", "close"])
def test_hours_before_the_open_have_the_openings_volume_to_tell(
    label: str, demo: Archive, tmp_path: Path
) -> None:
    bars = pl.concat([demo.read_session(date, list(BAR_SCHEMA)) for date in demo.sessions()[:4]])
    if label == "open":
        bars = bars.with_columns(pl.col("timestamp") + pl.duration(minutes=1))
    bars.write_parquet(tmp_path / "bars.parquet")
    wrong = import_bars([tmp_path / "bars.parquet"], tmp_path / "wrong", ImportOptions(label=label))
    right = import_bars(
        [tmp_path / "bars.parquet"],
        tmp_path / "right",
        ImportOptions(label="close" if label == "open" else "open"),
    )
    assert right.doubts == [] and faults(Archive.open(tmp_path / "right")) == []
    assert len(wrong.doubts) == 1 and f"--label {label} right?" in wrong.doubts[0]
    assert faults(Archive.open(tmp_path / "wrong")) == [
        "timestamps that seem to label the other end of bars"
    ]


@pytest.mark.parametrize("in_place", [False, True])
def test_check_and_run_tell_of_the_wrong_label(
    in_place: bool, tmp_path: Path, barsweep: Barsweep
) -> None:
    if in_place:
        for day in ("2018-03-05", "2018-03-06"):
            text = (
                written(clock(f"{day} 09:30", 390), FORM)
                .replace(HEAD, f"symbol,{HEAD}")
                .replace("\n2018", "\nAAA,2018")
            )
            (tmp_path / f"{day}.csv").write_text(text)
        init_in_place(tmp_path, tmp_path, InPlaceOptions("close", **NEW_YORK))
        path = tmp_path
    else:
        day_of("open", "close", 1, tmp_path, trust_label=True)
        path = tmp_path / "archive"
    assert faults(Archive.open(path)) == ["timestamps that seem to label the other end of bars"]
    found = barsweep(
        "scan", "--where", "close > 0", "--archive", path, "--schedule", "10:00-11:00/5m"
    )
    assert found.status == 0 and "seem to label the other end of bars" in found.err


# -- off the minute


@pytest.mark.parametrize("seconds", ["59", "59.999", "59.999999"])
def test_ends_just_before_the_minute_are_the_minute(seconds: str, tmp_path: Path) -> None:
    times = [f"{time:%Y-%m-%d %H:%M}:{seconds}" for time in clock("2018-03-05 09:30", 390)]
    archive, summary = imported(tmp_path / "a", {"AAA.csv": csv(times)}, label="close", **NEW_YORK)
    starts = archive.read_session(dt.date(2018, 3, 5), ["timestamp"])["timestamp"]
    assert (
        starts[0] == dt.datetime(2018, 3, 5, 14, 30, tzinfo=dt.UTC)
        and len(starts) == 390
        and not summary.quarantined
    )
    with pytest.raises(BarImportError, match=r"are the ends of bars; .*give --label close"):
        imported(tmp_path / "b", {"AAA.csv": csv(times)}, label="open", **NEW_YORK)


def test_a_round_the_clock_day_begins_with_its_first_minute(tmp_path: Path) -> None:
    times = [f"{time:%Y-%m-%dT%H:%M}:59.999Z" for time in clock("2018-03-03 00:00", 1440)]
    archive, _ = imported(tmp_path, {"BTC.csv": csv(times)}, label="close", exchange="24/7")
    assert [
        (date.day, len(archive.read_session(date, ["close"]))) for date in archive.sessions()
    ] == [(3, 1440)]


@pytest.mark.parametrize("label", ["open", "close"])
def test_a_row_of_a_bar_that_is_not_over_is_put_aside(label: str, tmp_path: Path) -> None:
    shift = dt.timedelta(minutes=label == "close")
    times = [f"{time + shift:%Y-%m-%d %H:%M:%S}" for time in clock("2018-03-05 09:30", 167)] + [
        "2018-03-05 12:17:43"
    ]
    archive, summary = imported(tmp_path, {"AAA.csv": csv(times)}, label=label, **NEW_YORK)
    assert (
        dict(summary.quarantined) == {"timestamp off the minute": 1} and summary.rows_written == 167
    )
    assert "off the minute" not in faults(archive)


def test_seconds_are_refused(tmp_path: Path) -> None:
    times = [f"2018-03-05 09:30:{second:02}" for second in range(60)]
    with pytest.raises(
        BarImportError, match="most timestamps are off the minute, such as 14:30:01"
    ):
        imported(tmp_path, {"AAA.csv": csv(times)}, interval="1m", **NEW_YORK)


def test_in_place_too_and_check_tells_what_is_stored(tmp_path: Path) -> None:
    times = [f"AAA,{time:%Y-%m-%d %H:%M}:59.999" for time in clock("2018-03-05 09:30", 390)] + [
        "AAA,2018-03-05 12:17:43"
    ]
    (tmp_path / "files").mkdir()
    (tmp_path / "files/2018-03-05.csv").write_text(csv(times, head=f"symbol,{HEAD}"))
    archive = init_in_place(
        tmp_path / "files", tmp_path / "files", InPlaceOptions("close", **NEW_YORK)
    )
    bars = archive.read_session(dt.date(2018, 3, 5), ["timestamp"])["timestamp"]
    assert len(bars) == 390 and bars[0] == dt.datetime(2018, 3, 5, 14, 30, tzinfo=dt.UTC)
    stored, _ = imported(
        tmp_path / "b", {"AAA.csv": written(clock("2018-03-05 09:30", 390), FORM)}, **NEW_YORK
    )
    file = stored.files.paths("1m", dt.date(2018, 3, 5))[0]
    pl.read_parquet(file).with_columns(pl.col("timestamp") - pl.duration(milliseconds=1)).select(
        *BAR_SCHEMA
    ).write_parquet(file)
    assert "off the minute" in faults(Archive.open(stored.path))


@pytest.mark.parametrize("interval", ["1m", None])
def test_longer_bars_in_place(interval: str | None, tmp_path: Path) -> None:
    for day in ("2018-03-05", "2018-03-06"):
        times = (f"AAA,{time:{FORM}}" for time in clock(f"{day} 09:30", 78, 5))
        (tmp_path / f"{day}.csv").write_text(csv(times, head=f"symbol,{HEAD}"))
    options = InPlaceOptions("open", interval=interval, **NEW_YORK)
    if interval is None:
        assert init_in_place(tmp_path, tmp_path, options).manifest.base.name == "5m"
        return
    with pytest.raises(ArchiveError, match="never less than 0:05:00 apart: longer than 1m"):
        init_in_place(tmp_path, tmp_path, options)
    assert not (tmp_path / "archive.json").exists()


def test_weeks_in_place(tmp_path: Path) -> None:
    for day in MONDAYS:
        rows = csv([f"AAA,{day}"], head=f"symbol,{HEAD}")
        (tmp_path / f"{day}.csv").write_text(rows)
    with pytest.raises(ArchiveError, match="never less than 5 sessions apart"):
        init_in_place(tmp_path, tmp_path, InPlaceOptions("open", interval="1d"))
