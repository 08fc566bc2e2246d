"""An archive that lacks a part of what its archive.json names says so, in every command; a result that is empty says why."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_bars, write_bars
from engine.archive.in_place import ForeignFiles
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.archive.quality.check_bars import check_archive
from engine.errors import ArchiveError
from engine.schema import BAR_SCHEMA
from tests.cli.barsweep import Barsweep
from tests.running import momentum, write_config

COMMANDS = (
    ("scan", "--where", "close > 0"),
    ("explain", "--where", "close > 0", "--symbol", "AAPL", "--at", "2017-11-08 10:00"),
    ("archive", "info"),
    ("archive", "quality"),
    ("archive", "actions", "--table", "actions.csv"),
    ("archive", "tickers", "--table", "tickers.csv"),
)


@pytest.fixture
def copy(demo: Archive, tmp_path: Path) -> Path:
    shutil.copytree(demo.path, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("actions.csv").write_text("symbol,ex_date,split_ratio\nAAPL,2017-11-08,2\n")
    Path("tickers.csv").write_text("symbol,ticker,start_date\nAAPL,AAPL,2010-01-01\n")


@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(command[:2]) for command in COMMANDS])
@pytest.mark.parametrize("part", ["interval=1d", "interval=1d/year=2017", "interval=1m"])
@pytest.mark.usefixtures("tables")
def test_a_command_over_an_archive_without_a_part(
    part: str, command: tuple[str, ...], copy: Path, barsweep: Barsweep
) -> None:
    """The demo market begins in 2017 and ends in 2018, so that a year is a part of its daily bars."""
    if part == "interval=1d/year=2017":
        other = layout.session_file(copy, "1m", dt.date(2018, 1, 8))
        bars = read_bars(layout.session_file(copy, "1m", dt.date(2017, 11, 8)), list(BAR_SCHEMA))
        write_bars(other, bars.with_columns(pl.col("timestamp") + pl.duration(days=61)))
        write_bars(
            layout.daily_file(copy, 2018),
            read_bars(layout.daily_file(copy, 2017), list(BAR_SCHEMA)),
        )
    shutil.rmtree(copy / "bars" / part)
    called = barsweep(*command, "--archive", copy)
    needed = not (
        part == "interval=1m" and command[:2] in (("archive", "actions"), ("archive", "tickers"))
    )
    assert called.status == (2 if needed else 0), called.out + called.err
    if needed:
        assert not list(copy.glob("symbol_map.parquet"))
        assert (
            len(called.err.splitlines()) == 1
            and str(copy / "bars" / part) in called.err
            and "Traceback" not in called.err
        )


def test_a_run_over_an_archive_without_its_daily_bars(
    copy: Path, barsweep: Barsweep, tmp_path: Path
) -> None:
    path = write_config(
        tmp_path / "c.json", {"mode": "backtest", "session_data_config": {"scanners": [momentum()]}}
    )
    shutil.rmtree(copy / "bars/interval=1d")
    called = barsweep("run", path, "--archive", copy, "--out", tmp_path / "runs")
    assert called.status == 2 and "no 1d bars, though archive.json names them" in called.err
    checked = barsweep("archive", "check", "--archive", copy)
    assert checked.status == 1 and "a part of the archive is missing" in checked.out


@pytest.mark.parametrize("interval", ["1m", "1d"])
def test_check_names_a_part_that_is_gone(interval: str, copy: Path) -> None:
    shutil.rmtree(copy / f"bars/interval={interval}")
    faults = [finding for finding in check_archive(Archive.open(copy)) if finding.fault]
    assert "a part of the archive is missing" in {finding.kind for finding in faults}
    assert any(f"interval={interval}" in finding.example for finding in faults)


def test_check_names_symbols_and_sessions_without_daily_bars(copy: Path) -> None:
    path, date = layout.daily_file(copy, 2017), dt.date(2017, 11, 8)
    bars = read_bars(path, list(BAR_SCHEMA))
    write_bars(
        path, bars.filter(~((pl.col("symbol") == "AAPL") & (pl.col("timestamp").dt.date() == date)))
    )
    found = [(f.kind, f.where, f.example) for f in check_archive(Archive.open(copy))]
    assert found == [("bars without a daily bar", f"1m {date}", "AAPL")]
    write_bars(path, bars.filter(pl.col("timestamp").dt.date() != date))
    symbols = read_bars(layout.session_file(copy, "1m", date), ["symbol"])["symbol"].n_unique()
    assert [(f.where, f.count) for f in check_archive(Archive.open(copy)) if f.fault] == [
        (f"1m {date}", symbols)
    ]


def test_a_year_of_bars_outside_regular_hours_needs_no_daily_bars(tmp_path: Path) -> None:
    """No daily bar is made of them, so none is missing."""
    rows = [("AAA", dt.datetime(2018, 1, 2, 15, m, tzinfo=dt.UTC), *[10.0] * 5) for m in range(5)]
    rows += [
        ("AAA", dt.datetime(2017, 12, 29, 11, m, tzinfo=dt.UTC), *[10.0] * 5) for m in range(5)
    ]
    pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row").write_parquet(tmp_path / "bars.parquet")
    import_bars(
        [tmp_path / "bars.parquet"],
        tmp_path / "archive",
        ImportOptions(label="open", interval="1m"),
    )
    archive = Archive.open(tmp_path / "archive")
    assert archive.symbols() == ["AAA"] and archive.daily_years() == [2017, 2018]
    assert [f.kind for f in check_archive(archive) if f.fault] == []


def test_files_in_place_of_which_no_row_can_be_a_bar(tmp_path: Path) -> None:
    """When the archive is made, and when its files are exchanged later."""
    good = pl.DataFrame(
        [("AAA", dt.datetime(2018, 3, 1, 15, m, tzinfo=dt.UTC), *[10.0] * 5) for m in range(5)],
        schema=BAR_SCHEMA,
        orient="row",
    )
    good.with_columns(close=-pl.col("close")).write_parquet(tmp_path / "2018-03-01.parquet")
    with pytest.raises(
        ArchiveError, match="no bars in the files; rows left out: 5 price not positive"
    ):
        init_in_place(tmp_path, tmp_path, InPlaceOptions("open"))
    assert not (tmp_path / layout.MANIFEST).exists()
    good.write_parquet(tmp_path / "2018-03-01.parquet")
    archive = init_in_place(tmp_path, tmp_path, InPlaceOptions("open"))
    assert isinstance(archive.files, ForeignFiles) and archive.symbols() == ["AAA"]
    good.with_columns(pl.col("timestamp") + pl.duration(days=4)).write_parquet(
        tmp_path / "2018-03-01.parquet"
    )
    with pytest.raises(ArchiveError, match="rows left out: 5 not a session of the exchange"):
        Archive.open(tmp_path).symbols()


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("close > 1e12", "of {scanned} symbols scanned none is left after close > 1e12"),
        ("close > 0 and close < 0", "none is left after close < 0"),
    ],
)
def test_a_scan_that_finds_nothing_says_why(
    where: str, told: str, demo: Archive, barsweep: Barsweep
) -> None:
    called = barsweep(
        "scan", "--where", where, "--archive", demo.path, "--end", "2017-11-08", "--quiet"
    )
    assert called.status == 0 and "warning: where found nothing: " in called.err
    assert told.partition("{scanned} ")[2] in called.err


def test_a_universe_of_nobody_says_so(demo: Archive, barsweep: Barsweep, tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("symbol,start_date,end_date\nAAPL,2010-01-01,2011-01-01\n")
    called = barsweep(
        "scan",
        "--where",
        "close > 0",
        "--archive",
        demo.path,
        "--universe",
        tmp_path / "u.csv",
        "--quiet",
    )
    assert "no symbol was scanned in" in called.err and "look at its universe" in called.err


def test_a_scan_that_finds_something_warns_of_nothing(demo: Archive, barsweep: Barsweep) -> None:
    called = barsweep(
        "scan", "--where", "close > 0", "--archive", demo.path, "--end", "2017-11-08", "--quiet"
    )
    assert (called.status, called.err) == (0, "")
