"""Reading archives, and files that are not what they should be."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from engine.archive.archive import Archive
from engine.archive.archive_info import describe
from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_times, write_bars
from engine.archive.quality.check_bars import check_archive
from engine.errors import ArchiveError
from engine.schema import BAR_SCHEMA
from tests.running import config, hits, momentum

DATE = dt.date(2017, 11, 8)


@pytest.fixture
def copy(demo: Archive, tmp_path: Path) -> Archive:
    shutil.copytree(demo.path, tmp_path / "copy")
    return Archive.open(tmp_path / "copy")


def file(archive: Archive) -> Path:
    return layout.session_file(archive.path, "1m", DATE)


def test_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="no archive here"):
        Archive.open(tmp_path)
    with pytest.raises(ArchiveError, match="no such folder"):
        Archive.open(tmp_path / "none")
    (tmp_path / "archive.json").write_text('{"format": 2, "exchange": "XNYS"}')
    with pytest.raises(ArchiveError, match="format"):
        Archive.open(tmp_path)


@pytest.mark.parametrize("kilobytes", [0, 1, 10, 60])
def test_a_truncated_session_is_named_with_the_fix(kilobytes: int, copy: Archive) -> None:
    file(copy).write_bytes(file(copy).read_bytes()[: kilobytes * 1024])
    with pytest.raises(
        ArchiveError,
        match=r"date=2017-11-08/bars\.parquet: not a readable Parquet file.*import the session again",
    ):
        hits(config([momentum()], start="2017-11-06", end="2017-11-10"), copy)
    assert [f.kind for f in check_archive(copy) if f.where == f"1m {DATE}"] == ["unreadable file"]


def damaged(copy: Archive, change: pl.DataFrame) -> None:
    change.write_parquet(file(copy))


def test_a_missing_column_a_wrong_dtype_and_nulls(copy: Archive) -> None:
    bars = copy.read_session(DATE, list(BAR_SCHEMA))
    for change, message in (
        (bars.drop("close"), "no column close"),
        (
            bars.with_columns(pl.col("close").cast(pl.String)),
            "column 'close' is String; expected Float64",
        ),
        (
            bars.with_columns(
                close=pl.when(pl.col("symbol") == "AAPL").then(None).otherwise("close")
            ),
            "nulls",
        ),
    ):
        damaged(copy, change)
        with pytest.raises(ArchiveError, match=message):
            hits(config([momentum()], start=str(DATE), end=str(DATE)), copy)


def test_unsorted_and_duplicate_bars(copy: Archive) -> None:
    bars = copy.read_session(DATE, list(BAR_SCHEMA))
    for change, kind in (
        (bars.reverse(), "not sorted"),
        (pl.concat([bars, bars.head(1)]).sort("symbol", "timestamp"), "duplicate"),
    ):
        damaged(copy, change)
        with pytest.raises(ArchiveError, match="not sorted by symbol and time, or not unique"):
            hits(config([momentum()], start=str(DATE), end=str(DATE)), copy)
        assert any(kind in finding.kind for finding in check_archive(copy))


def test_check_counts_what_it_finds(copy: Archive) -> None:
    assert check_archive(copy) == []
    bars = copy.read_session(DATE, list(BAR_SCHEMA))
    row = pl.int_range(pl.len())
    broken = bars.with_columns(
        high=pl.when(row == 5).then(0.01).otherwise("high"),
        open=pl.when(row == 7).then(-1.0).otherwise("open"),
        volume=pl.when(row == 9).then(-1.0).otherwise("volume"),
        timestamp=pl.when(row == bars.height - 1)
        .then(pl.lit(dt.datetime(2017, 11, 9, 3, tzinfo=dt.UTC)))
        .otherwise("timestamp"),
    )
    damaged(copy, broken)
    shutil.rmtree(layout.session_file(copy.path, "1m", dt.date(2017, 11, 10)).parent)
    half = copy.read_session(dt.date(2017, 11, 13), list(BAR_SCHEMA)).filter(
        pl.col("timestamp").dt.hour() < 16
    )
    write_bars(layout.session_file(copy.path, "1m", dt.date(2017, 11, 13)), half)
    found = {(f.kind, f.where, f.count) for f in check_archive(copy)}
    where = f"1m {DATE}"
    for expected in (
        ("high below another price", where, 1),
        ("price not positive", where, 1),
        ("negative volume", where, 1),
        ("outside the session", where, 1),
        ("missing session", "1m 2017-11-10", 1),
        ("half a session", "1m 2017-11-13", 1),
    ):
        assert expected in found


def test_info(demo: Archive) -> None:
    info = describe(demo)
    minutes, days = info.intervals
    assert (info.symbols, info.corporate_actions, minutes.sessions, days.sessions) == (
        30,
        3,
        45,
        45,
    )
    assert minutes.rows == sum(len(demo.read_session(d, ["symbol"])) for d in demo.sessions())
    assert 30 < minutes.coverage_percent < 100


def test_every_file_tells_its_symbols_and_their_rows(demo: Archive) -> None:
    for date in demo.sessions()[:3]:
        index = demo.read_session_index(date)
        assert index is not None
        rows = demo.read_session(date, ["symbol"]).group_by("symbol", maintain_order=True).len()
        assert index[0] == rows["symbol"].to_list() and index[1].tolist() == rows["len"].to_list()


def test_the_digest_follows_the_contents(demo: Archive, copy: Archive) -> None:
    assert copy.digest() == demo.digest()
    write_bars(
        file(copy), copy.read_session(DATE, list(BAR_SCHEMA)).with_columns(pl.col("volume") + 1)
    )
    assert copy.digest() != demo.digest()


def test_bars_rewritten_by_another_tool_are_read_all_the_same(demo: Archive, copy: Archive) -> None:
    """Without our metadata, in other row groups: the symbol column tells the symbols."""
    loaded = config([momentum(min_change=0.005)], start="2017-11-06", end="2017-11-10")
    copy.read_session(DATE, list(BAR_SCHEMA)).write_parquet(
        file(copy), row_group_size=1000, compression="snappy"
    )
    assert copy.read_session_index(DATE) is None
    assert hits(loaded, copy).equals(hits(loaded, demo))


@pytest.mark.parametrize(
    "name",
    ["date=", "date=2017-11-31", "date=20171108", "date=9999-12-31", "date=0001-01-01", "date=.."],
)
def test_a_folder_that_is_no_session_is_named(name: str, copy: Archive) -> None:
    (copy.path / "bars" / "interval=1m" / name).mkdir()
    (copy.path / "bars" / "interval=1m" / name / "bars.parquet").touch()
    with pytest.raises(ArchiveError, match=rf"{name}: '.*' is no date; expected date=2018-02-16"):
        copy.sessions()


@pytest.mark.parametrize("names", [["1m/../../.."], ["60m"], ["2 m"], [".."]])
def test_a_manifest_names_intervals_only(names: list[str], tmp_path: Path) -> None:
    """They become parts of paths."""
    (tmp_path / "archive.json").write_text(
        json.dumps({"format": 1, "exchange": "XNYS", "intervals": names})
    )
    with pytest.raises(
        ArchiveError, match=r"archive\.json: not readable|archive\.json: unknown interval"
    ):
        Archive.open(tmp_path)


def test_an_archive_without_intervals_says_so(tmp_path: Path) -> None:
    (tmp_path / "archive.json").write_text('{"format": 1, "exchange": "XNYS"}')
    with pytest.raises(ArchiveError, match="holds no bars"):
        hits(config([momentum()]), Archive.open(tmp_path))


@pytest.mark.parametrize(
    "index",
    [None, [], {}, {"symbols": [], "counts": [2**63]}, {"symbols": ["A"], "counts": ["1"]}, "{"],
)
def test_an_index_that_cannot_be_true_is_not_believed(
    index: object, demo: Archive, copy: Archive
) -> None:
    text = index if isinstance(index, str) else json.dumps(index)
    table = pq.read_table(file(copy)).replace_schema_metadata({layout.SYMBOLS_KEY: text})
    pq.write_table(table, file(copy))
    assert copy.read_session_index(DATE) is None
    loaded = config([momentum(min_change=0.005)], start=str(DATE), end=str(DATE))
    assert hits(loaded, copy).equals(hits(loaded, demo))


def test_daily_sessions_are_told_by_the_metadata_and_by_the_bars_alike(copy: Archive) -> None:
    told = Archive.open(copy.path).sessions("1d")
    for year in copy.daily_years():
        table = pq.read_table(copy.daily_file(year))
        assert (
            read_times(copy.daily_file(year))
            == table["timestamp"].cast("int64").unique().sort().to_pylist()
        )
        pq.write_table(table.replace_schema_metadata({}), copy.daily_file(year))
        assert read_times(copy.daily_file(year)) is None
    assert Archive.open(copy.path).sessions("1d") == told == copy.sessions("1m")


def move_a_day(archive: Archive, which: int) -> dt.date:
    """Give the bars of a day another time, as another tool may that keeps the metadata."""
    path = archive.daily_file(archive.daily_years()[-1])
    table, metadata = pq.read_table(path), pq.read_metadata(path).metadata
    times = table["timestamp"]
    moved: dt.datetime = times.unique().sort().to_pylist()[which]
    later = pa.scalar(moved + dt.timedelta(minutes=1), times.type)
    days = table.set_column(
        table.column_names.index("timestamp"),
        "timestamp",
        pc.if_else(pc.equal(times, moved), later, times),
    )
    pq.write_table(days.replace_schema_metadata(metadata), path)
    return moved.date()


@pytest.mark.parametrize("which", [0, -1])
def test_metadata_of_another_span_of_time_is_not_believed(which: int, copy: Archive) -> None:
    path = copy.daily_file(copy.daily_years()[-1])
    assert read_times(path)
    move_a_day(copy, which)
    assert read_times(path) is None


def test_times_in_the_metadata_that_are_not_the_bars_are_found(copy: Archive) -> None:
    move_a_day(copy, 1)
    found = [one for one in check_archive(copy) if "metadata" in one.kind]
    assert len(found) == 1 and "are not the file's" in found[0].kind


def test_counts_in_the_metadata_of_another_number_of_rows_are_not_believed(
    copy: Archive, demo: Archive
) -> None:
    metadata = pq.read_metadata(file(copy)).metadata
    table = pq.read_table(file(copy), partitioning=None)
    pq.write_table(table.slice(0, len(table) - 5).replace_schema_metadata(metadata), file(copy))
    assert demo.read_session_index(DATE) is not None and copy.read_session_index(DATE) is None


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS", "XLON", "XBOM"])
def test_a_daily_bar_is_of_the_day_on_the_exchange_s_clock(exchange: str, tmp_path: Path) -> None:
    """At any hour of a year, those at which the clock is changed among them."""
    times = pl.datetime_range(
        dt.datetime(2018, 1, 1), dt.datetime(2018, 12, 31), "7m", time_zone="UTC", eager=True
    )
    bars = pl.DataFrame(
        {"symbol": "A", "timestamp": times}
        | dict.fromkeys(["open", "high", "low", "close", "volume"], 1.0)
    )
    write_bars(
        layout.daily_file(tmp_path, 2018), bars.select(*BAR_SCHEMA).cast(pl.Schema(BAR_SCHEMA))
    )
    layout.write_manifest(
        tmp_path, layout.ArchiveManifest(exchange=exchange, source="a test", intervals=("1d",))
    )
    archive = Archive.open(tmp_path)
    expected = times.dt.convert_time_zone(str(archive.calendar.tz)).dt.date()
    assert archive.daily_days(2018).tolist() == expected.to_physical().to_list()
    assert archive.read_daily([], None, None)["date"].to_list() == expected.to_list()
