"""Imports: the same bars from either form of the source, errors that say what to do, nothing dropped in silence."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.import_summary import ImportSummary
from engine.archive.ingest.importer import import_bars
from engine.archive.quality.check_bars import check_archive
from engine.archive.vendor_files.source_columns import FILE_NAME
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.validate import drop_copies, split_conflicts
from engine.errors import BarImportError
from engine.schema import BAR_SCHEMA
from tests.data import PROJECT, real_data

DAY = dt.datetime(2018, 3, 1, 14, 30, tzinfo=dt.UTC)


def minute_bars(symbols: tuple[str, ...] = ("AAA", "BBB"), minutes: int = 5) -> pl.DataFrame:
    rows = [
        (symbol, DAY + dt.timedelta(minutes=m), 10.0, 11.0, 9.0, 10.5, 100.0)
        for symbol in symbols
        for m in range(minutes)
    ]
    return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row")


def do_import(
    tmp_path: Path, frame: pl.DataFrame, **options: object
) -> tuple[Archive, ImportSummary]:
    source = tmp_path / "source.parquet"
    frame.write_parquet(source)
    summary = import_bars(
        [source], tmp_path / "archive", ImportOptions(**({"label": "open"} | options))
    )  # type: ignore[arg-type]
    return Archive.open(tmp_path / "archive"), summary


def digests(path: Path) -> dict[str, str]:
    return {
        str(f.relative_to(path)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(path.rglob("*.parquet"))
    }


def test_the_archive_holds_the_sources_bars(us2018: Archive) -> None:
    source = pl.read_parquet(real_data("us_1min_2018.parquet")).with_columns(
        pl.col("volume").cast(pl.Float64)
    )
    dates = us2018.sessions()
    assert (
        len(dates) == 44 and dates[0] == dt.date(2018, 2, 16) and dt.date(2018, 3, 30) not in dates
    )
    together = pl.concat([us2018.read_session(date, list(BAR_SCHEMA)) for date in dates]).sort(
        "symbol", "timestamp"
    )
    assert together.equals(source.select(*BAR_SCHEMA).sort("symbol", "timestamp"))
    assert us2018.symbols() == source["symbol"].unique().sort().to_list()


def test_daily_bars_are_the_sessions_regular_bars(us2018: Archive) -> None:
    source = pl.read_parquet(real_data("us_1min_2018.parquet")).sort("symbol", "timestamp")
    expected = source.group_by(
        "symbol", pl.col("timestamp").dt.date().alias("date"), maintain_order=True
    ).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum().cast(pl.Float64),
    )
    assert us2018.read_daily(["open", "high", "low", "close", "volume"], None, None).equals(
        expected
    )


def test_raw_csv_files_give_the_same_bars(us2018: Archive, tmp_path: Path) -> None:
    folder = real_data("us_1min_2018_raw")
    reading = SourceOptions(
        {"date": "date", "time": "ToD"}, "America/New_York", symbol_pattern=FILE_NAME
    )
    options = ImportOptions(label="close", merge_opening_auction=True, reading=reading)
    summary = import_bars([folder], tmp_path / "raw", options)
    raw = Archive.open(tmp_path / "raw")
    assert raw.symbols() == ["AAPL", "DIS", "NVAX", "ROKU"] and len(raw.sessions()) == 5
    for date in raw.sessions():
        expected = us2018.read_session(date, list(BAR_SCHEMA)).filter(
            pl.col("symbol").is_in(raw.symbols())
        )
        assert raw.read_session(date, list(BAR_SCHEMA)).equals(expected)
    put_aside = sum(summary.quarantined.values())
    assert (
        summary.rows_read
        == summary.rows_written + summary.copies_dropped + summary.auctions_merged + put_aside
    )


def test_an_import_again_gives_the_same_bytes(tmp_path: Path) -> None:
    archive, _ = do_import(tmp_path, minute_bars())
    before = digests(archive.path)
    do_import(tmp_path, minute_bars().sample(fraction=1.0, shuffle=True, seed=1))
    assert digests(archive.path) == before


def test_a_killed_import_goes_on_to_the_same_bytes_and_counts(tmp_path: Path) -> None:
    """Once, for what it tells; `test_faults` kills fifty."""
    source, target = real_data("us_1min_2018.parquet"), tmp_path / "archive"
    frame = pl.scan_parquet(source).filter(pl.col("symbol") < "C").collect()
    frame.write_parquet(tmp_path / "part.parquet")
    whole = import_bars(
        [tmp_path / "part.parquet"], tmp_path / "whole", ImportOptions(label="open")
    )
    code = (
        "import sys; from pathlib import Path; from engine.archive.ingest.importer import *\n"
        "print('go', flush=True)\n"
        f"import_bars([Path({str(tmp_path / 'part.parquet')!r})], Path({str(target)!r}), ImportOptions(label='open'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"go\n"
    time.sleep(0.4)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    again = import_bars([tmp_path / "part.parquet"], target, ImportOptions(label="open"))
    assert digests(target) == digests(tmp_path / "whole")
    assert (again.rows_written, again.sessions) == (whole.rows_written, whole.sessions)
    assert not (target / ".import").exists()


def test_bad_rows_are_put_aside_with_their_reason(tmp_path: Path) -> None:
    good = minute_bars()
    at = DAY + dt.timedelta(minutes=9)
    bad = pl.DataFrame(
        [
            ("AAA", at, None, 11.0, 9.0, 10.0, 1.0),
            ("AAA", at, 10.0, 11.0, 9.0, float("nan"), 1.0),
            ("AAA", at, -1.0, 11.0, 9.0, 10.0, 1.0),
            ("AAA", at, 10.0, 9.5, 9.0, 10.0, 1.0),
            ("AAA", at, 10.0, 11.0, 10.5, 10.0, 1.0),
            ("AAA", at, 10.0, 11.0, 9.0, 10.0, -5.0),
            ("AAA", at, 10.0, 11.0, 9.0, 10.0, None),
            (None, at, 10.0, 11.0, 9.0, 10.0, 1.0),
            ("AAA", None, 10.0, 11.0, 9.0, 10.0, 1.0),
            ("AAA", DAY + dt.timedelta(days=2), 10.0, 11.0, 9.0, 10.0, 1.0),  # a Saturday
            ("AAA", DAY, 10.0, 11.0, 9.0, 10.0, 1.0),  # conflicts with a good row
        ],
        schema=BAR_SCHEMA,
        orient="row",
    )
    archive, summary = do_import(tmp_path, pl.concat([good, bad, good.head(3)]), interval="1m")
    assert summary.copies_dropped == 3
    assert sum(summary.quarantined.values()) == len(bad)
    aside = pl.read_parquet(archive.path / str(summary.quarantine_file))
    assert aside["reason"].n_unique() == 10
    assert len(archive.read_session(DAY.date(), list(BAR_SCHEMA))) == len(good)
    assert summary.rows_read == summary.rows_written + summary.copies_dropped + len(aside)


def test_close_labels_become_starts(tmp_path: Path) -> None:
    labelled = minute_bars().with_columns(pl.col("timestamp") + pl.duration(minutes=1))
    archive, _ = do_import(tmp_path, labelled, label="close")
    assert archive.read_session(DAY.date(), list(BAR_SCHEMA)).equals(minute_bars())


@pytest.mark.parametrize(
    ("unit", "per_second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)]
)
def test_timestamps_that_are_whole_numbers(unit: str, per_second: int, tmp_path: Path) -> None:
    numbers = minute_bars().with_columns(pl.col("timestamp").dt.epoch("s") * per_second)
    archive, _ = do_import(tmp_path, numbers, reading=SourceOptions(epoch_unit=unit))
    assert archive.read_session(DAY.date(), list(BAR_SCHEMA)).equals(minute_bars())


@pytest.mark.parametrize(
    "text", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00"]
)
def test_timestamps_that_are_text_in_csv(text: str, tmp_path: Path) -> None:
    minute_bars().with_columns(pl.col("timestamp").dt.strftime(text)).write_csv(
        tmp_path / "bars.csv"
    )
    options = ImportOptions(label="open", reading=SourceOptions(timezone="UTC"))
    import_bars([tmp_path / "bars.csv"], tmp_path / "archive", options)
    assert (
        Archive.open(tmp_path / "archive")
        .read_session(DAY.date(), list(BAR_SCHEMA))
        .equals(minute_bars())
    )


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (minute_bars(), {"label": None}, "not declared"),
        (minute_bars().drop("volume"), {}, "--column volume=NAME"),
        (minute_bars().drop("symbol"), {}, "--symbol-from-filename"),
        (
            minute_bars().with_columns(pl.col("timestamp").dt.replace_time_zone(None)),
            {},
            "give --timezone",
        ),
        (minute_bars().with_columns(pl.col("timestamp").dt.epoch("s")), {}, "give --epoch-unit"),
        (minute_bars().with_columns(close=pl.lit(True)), {}, "column 'close' is Boolean"),
        (minute_bars().with_columns(timestamp=pl.lit(1.5)), {}, "column 'timestamp' is Float64"),
        (minute_bars(), {"reading": SourceOptions({"volume": "volum"})}, "did you mean 'volume'"),
        (minute_bars(minutes=1), {}, "give --interval"),
        (minute_bars().clear(), {"interval": "1m"}, "no bars of any session"),
    ],
)
def test_what_cannot_be_imported_says_what_to_do(
    frame: pl.DataFrame, options: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BarImportError, match=message):
        do_import(tmp_path, frame, **options)
    assert not (tmp_path / "archive" / "archive.json").exists()


@pytest.mark.parametrize("size", [0, 4, 400])
def test_a_truncated_source_is_named(size: int, tmp_path: Path) -> None:
    source = tmp_path / "cut.parquet"
    minute_bars().write_parquet(source)
    source.write_bytes(source.read_bytes()[:size])
    with pytest.raises(BarImportError, match=r"cut\.parquet: cannot be read"):
        import_bars([source], tmp_path / "archive", ImportOptions(label="open"))


def test_no_such_file_and_no_bar_files(tmp_path: Path) -> None:
    with pytest.raises(BarImportError, match="no such file"):
        import_bars([tmp_path / "none.parquet"], tmp_path / "archive", ImportOptions(label="open"))
    (tmp_path / "notes.md").write_text("hello")
    with pytest.raises(BarImportError, match="no bar files"):
        import_bars([tmp_path / "notes.md"], tmp_path / "archive", ImportOptions(label="open"))


def test_one_archive_one_exchange(tmp_path: Path) -> None:
    do_import(tmp_path, minute_bars())
    with pytest.raises(BarImportError, match="holds XNYS"):
        do_import(tmp_path, minute_bars(), exchange="XLON")


def test_a_second_import_at_the_same_time_is_refused(tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "archive").mkdir()
    with (tmp_path / "archive" / ".import.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(BarImportError, match="another import is running"):
            do_import(tmp_path, minute_bars())


def test_symbols_are_never_paths(tmp_path: Path) -> None:
    odd = minute_bars(("../x", "BRK.B", "A/B", "ÄÖ"))
    archive, _ = do_import(tmp_path, odd)
    assert archive.symbols() == sorted(["../X", "BRK.B", "A/B", "ÄÖ"])
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["sp500_daily_2013_2018.parquet", "equity_usa_daily.parquet"])
def test_daily_sources_however_a_day_is_labelled(name: str, tmp_path: Path) -> None:
    """One labels the session's open, the other midnight in New York."""
    source = pl.read_parquet(real_data(name))
    dates = source["timestamp"].dt.convert_time_zone("America/New_York").dt.date()
    summary = import_bars(
        [real_data(name)], tmp_path / "daily", ImportOptions(label="open", interval="1d")
    )
    archive = Archive.open(tmp_path / "daily")
    assert archive.intervals == ("1d",)
    assert summary.rows_read == summary.rows_written + summary.copies_dropped + sum(
        summary.quarantined.values()
    )
    bars = archive.read_daily(["close"], None, None)
    expected = (
        source.with_columns(date=dates).select("symbol", "date", "close").sort("symbol", "date")
    )
    assert bars.join(expected, on=["symbol", "date", "close"], how="semi").height == len(bars)
    assert len(bars) > 0.999 * len(expected)


def test_a_wrong_epoch_unit_is_no_bar(tmp_path: Path) -> None:
    """Nanoseconds read as microseconds lie in the year 50146, and as seconds nowhere at all."""
    for unit in ("us", "ms", "s"):
        numbers = minute_bars().with_columns(pl.col("timestamp").dt.epoch("ns"))
        with pytest.raises(
            BarImportError, match=r"1519914600000000000 in row 1 is no time.*give the --epoch-unit"
        ):
            do_import(tmp_path, numbers, interval="1m", reading=SourceOptions(epoch_unit=unit))


BAR = st.tuples(
    st.sampled_from("AB"),
    st.integers(0, 2),
    st.sampled_from([10.0, 10.5]),
    st.sampled_from([1.0, 2.0]),
)


@settings(deadline=None)
@given(st.lists(BAR, max_size=12))
def test_copies_and_conflicts_against_their_slow_twins(
    rows: list[tuple[str, int, float, float]],
) -> None:
    bars = pl.DataFrame(
        [
            (symbol, DAY + dt.timedelta(minutes=m), 10.0, 11.0, 9.0, close, volume)
            for symbol, m, close, volume in rows
        ],
        schema=BAR_SCHEMA,
        orient="row",
    )
    distinct, copies = drop_copies(bars)
    assert copies == len(rows) - len(set(rows)) and distinct.sort(distinct.columns).equals(
        bars.unique().sort(bars.columns)
    )
    kept, conflicts = split_conflicts(distinct)
    assert kept.equals(
        bars.group_by("symbol", "timestamp")
        .agg(pl.struct(pl.exclude("symbol", "timestamp")).sort().first().alias("v"))
        .unnest("v")
        .sort("symbol", "timestamp")
    )
    assert pl.concat([kept, conflicts]).sort(bars.columns).equals(bars.unique().sort(bars.columns))


@pytest.mark.parametrize(("unit", "scale"), [("s", 10**6), ("ms", 10**3), ("us", 1)])
def test_a_count_in_another_unit_is_put_aside(unit: str, scale: int, tmp_path: Path) -> None:
    """Years that no calendar reaches, and counts whose product does not fit, which would turn up at any time."""
    right = pl.col("timestamp").dt.epoch("us") // scale
    row = pl.int_range(pl.len())
    wrong = (
        pl.when(row == 0)
        .then(right * 1000 * (1000 if unit == "us" else 1))
        .when(row == 1)
        .then(2**63 - 1)
        .otherwise(right)
    )
    _, summary = do_import(
        tmp_path,
        minute_bars().with_columns(wrong.alias("timestamp")),
        reading=SourceOptions(epoch_unit=unit),
    )
    assert (summary.rows_written, dict(summary.quarantined)) == (8, {"unparsable timestamp": 2})


@pytest.mark.parametrize("interval", ["2m", "5m", "1h", "1d"])
def test_bars_are_not_taken_for_those_of_a_longer_interval(interval: str, tmp_path: Path) -> None:
    with pytest.raises(
        BarImportError, match=rf"bars are 0:01:00 apart; expected bars of {interval}"
    ):
        do_import(tmp_path, minute_bars(), interval=interval)
    assert not (tmp_path / "archive" / "bars").exists()


def test_check_tells_bars_that_are_too_close_for_their_interval(tmp_path: Path) -> None:
    archive, _ = do_import(tmp_path, minute_bars(), interval="1m")
    os.rename(tmp_path / "archive/bars/interval=1m", tmp_path / "archive/bars/interval=5m")
    told = archive.manifest.model_copy(update={"intervals": ("5m", "1d")})
    (tmp_path / "archive/archive.json").write_text(told.model_dump_json())
    found = [f for f in check_archive(Archive.open(tmp_path / "archive")) if "too close" in f.kind]
    assert [(f.where, f.count, f.fault) for f in found] == [("5m 2018-03-01", 8, True)]


def test_what_an_archive_has_is_no_source(tmp_path: Path) -> None:
    do_import(tmp_path, minute_bars())
    with pytest.raises(BarImportError, match="is an archive already"):
        import_bars([tmp_path / "archive"], tmp_path / "other", ImportOptions(label="open"))
    summary = import_bars([tmp_path], tmp_path / "other", ImportOptions(label="open"))
    assert (summary.files, summary.rows_written) == (1, 10)


def test_symbols_are_those_of_the_archive(tmp_path: Path) -> None:
    one_each = pl.concat(
        [
            minute_bars(("AAA",)),
            minute_bars(("BBB",)).with_columns(pl.col("timestamp") + pl.duration(days=1)),
        ]
    )
    assert do_import(tmp_path, one_each)[1].symbols == 2


def test_an_import_of_nothing_says_what_became_of_the_rows(tmp_path: Path) -> None:
    spoilt = minute_bars().with_columns(
        pl.when(pl.col("symbol") == "AAA").then(pl.col("open")).alias("open"), volume=-1.0
    )
    with pytest.raises(
        BarImportError,
        match="no bars of any session; rows put aside: 5 missing price, 5 negative volume",
    ):
        do_import(tmp_path, spoilt)


def test_rows_put_aside_have_the_columns_of_all_files(tmp_path: Path) -> None:
    bad = minute_bars(("AAA",)).with_columns(close=pl.lit(50.0))
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    pl.concat([bad, minute_bars(("BBB",))]).write_parquet(paths[0])
    bad.with_columns(symbol=pl.lit("CCC"), vwap=pl.lit(10.0), volume=-1.0).write_parquet(paths[1])
    summary = import_bars(paths, tmp_path / "archive", ImportOptions(label="open"))
    rows = pl.read_parquet(tmp_path / "archive" / str(summary.quarantine_file))
    assert summary.quarantined == {"high below another price": 5, "negative volume": 5}
    assert rows["vwap"].to_list() == [None] * 5 + [10.0] * 5 and rows[
        "symbol"
    ].unique().sort().to_list() == ["AAA", "CCC"]
