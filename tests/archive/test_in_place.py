"""Archives in place: files that somebody else has laid out give what their import gives, however they are stored."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.archive_info import describe
from engine.archive.disk import layout
from engine.archive.in_place import ForeignFiles
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.ingest.recognise import InPlaceOptions, init_in_place
from engine.archive.quality.archive_diff import diff_archives
from engine.archive.quality.check_bars import check_archive
from engine.archive.reading_cost import reading_cost
from engine.archive.vendor_files.template import Template
from engine.clock import calendar_cache
from engine.errors import ArchiveError, BarImportError
from engine.schema import BAR_SCHEMA, CORPORATE_ACTIONS_SCHEMA, PRICE_COLUMNS, SYMBOL_MAP_SCHEMA
from tests.cli.barsweep import Barsweep
from tests.data import real_data
from tests.running import EVERY_5_MINUTES, config, hits, momentum, tables

ALL, MINUTE = list(BAR_SCHEMA), pl.duration(minutes=1)
START = dt.date(2018, 3, 5)  # of the sessions that the layouts hold, with warm-up before
Layout = Callable[[Path, dt.date, pl.DataFrame], None]


def hive_shuffled(folder: Path, date: dt.date, bars: pl.DataFrame) -> None:
    """Two files a session in no order, snappy, small row groups, close labels in nanoseconds, whole volumes, other names."""
    theirs = (
        bars.with_columns(
            ((pl.col("timestamp") + MINUTE).dt.epoch("us") * 1000).alias("window_start"),
            pl.col("volume").cast(pl.Int64),
        )
        .drop("timestamp")
        .rename({"symbol": "ticker"})
        .sample(fraction=1.0, shuffle=True, seed=1)
    )
    target = folder / f"date={date}"
    target.mkdir(parents=True)
    half = len(theirs) // 2
    for number, part in enumerate((theirs.head(half), theirs.tail(len(theirs) - half))):
        part.write_parquet(
            target / f"part-{number}.parquet", compression="snappy", row_group_size=7000
        )


def by_time(folder: Path, date: dt.date, bars: pl.DataFrame) -> None:
    """One file a session below its year, sorted by time, local wall clock without a zone, uncompressed."""
    local = pl.col("timestamp").dt.convert_time_zone("America/New_York").dt.replace_time_zone(None)
    target = folder / str(date.year)
    target.mkdir(parents=True, exist_ok=True)
    bars.sort("timestamp", "symbol").with_columns(local).write_parquet(
        target / f"{date:%Y%m%d}.parquet", compression="uncompressed"
    )


def a_file_a_symbol(folder: Path, date: dt.date, bars: pl.DataFrame) -> None:
    """CSV files named by date and symbol, which no column names; ISO text in UTC."""
    target = folder / f"{date:%Y/%m/%d}"
    target.mkdir(parents=True)
    for (symbol,), own in bars.partition_by("symbol", as_dict=True).items():
        text = pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        own.drop("symbol").with_columns(text).write_csv(target / f"{symbol}.csv")


def sorted_gzip(folder: Path, date: dt.date, bars: pl.DataFrame) -> None:
    """One file a session as we have it, in other row groups and compression: nothing to sort."""
    bars.write_parquet(folder / f"{date}.parquet", compression="gzip", row_group_size=1000)


LAYOUTS: dict[str, tuple[Layout, dict[str, Any], str]] = {
    "hive": (hive_shuffled, {"label": "close", "epoch_unit": "ns"}, "date={date}/*.parquet"),
    "by time": (
        by_time,
        {"label": "open", "timezone": "America/New_York"},
        "{date:%Y}/{date:%Y%m%d}.parquet",
    ),
    "a file a symbol": (a_file_a_symbol, {"label": "open"}, "{date:%Y/%m/%d}/{symbol}.csv"),
    "sorted": (sorted_gzip, {"label": "open"}, "{date}.parquet"),
}


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Real bars of some symbols and sessions, imported."""
    folder = tmp_path_factory.mktemp("part")
    few = (pl.col("symbol") < "AR") | pl.col("symbol").is_in(["TSLA", "ROKU"])
    bars = pl.scan_parquet(real_data("us_1min_2018.parquet")).filter(
        few, pl.col("timestamp").dt.date() < dt.date(2018, 3, 9)
    )
    bars.collect().write_parquet(folder / "source.parquet")
    import_bars([folder / "source.parquet"], folder / "archive", ImportOptions(label="open"))
    return Archive.open(folder / "archive")


def laid_out(part: Archive, folder: Path, write: Layout, **options: Any) -> Archive:
    for date in part.sessions():
        folder.mkdir(exist_ok=True)
        write(folder, date, part.read_session(date, ALL))
    return init_in_place(folder, folder, InPlaceOptions(**options))


def scans() -> Any:
    clauses = {
        "criteria": {
            "up": "close > prev_close * 1.005 and close > sma_10_1d and rsi_14_5m > 55",
            "full": "quality > 90",
        }
    }
    criteria = {
        "module": "scanners.criteria_scanner",
        "regular_session": EVERY_5_MINUTES,
        "config": clauses,
    }
    return config([momentum(min_change=0.005), criteria], start=str(START), end="2018-03-08")


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_same_hits_as_from_an_import(name: str, part: Archive, tmp_path: Path) -> None:
    write, options, template = LAYOUTS[name]
    archive = laid_out(part, tmp_path / "files", write, **options)
    assert archive.manifest.in_place is not None and archive.manifest.in_place.files == template
    assert (archive.sessions(), archive.symbols(), archive.intervals) == (
        part.sessions(),
        part.symbols(),
        ("1m", "1d"),
    )
    opened = Archive.open(archive.path)
    imported, in_place = tables(scans(), part), tables(scans(), opened)
    assert len(imported["hits"]) > 100
    assert all(in_place[table].equals(imported[table]) for table in imported)
    assert opened.read_daily(list(PRICE_COLUMNS), None, None).equals(
        part.read_daily(list(PRICE_COLUMNS), None, None)
    )
    for date in part.sessions()[:2]:
        assert opened.read_session(date, ALL).equals(part.read_session(date, ALL))
    assert diff_archives(part, opened) == []
    info, expected = describe(opened), describe(part)
    assert [(i.rows, i.sessions, i.coverage_percent) for i in info.intervals] == [
        (i.rows, i.sessions, i.coverage_percent) for i in expected.intervals
    ]
    assert not any(finding.fault for finding in check_archive(opened))


def test_dirty_files_are_seen_as_an_import_would_write_them(part: Archive, tmp_path: Path) -> None:
    """Copies, conflicts, rows that cannot be bars, bars of another day."""
    folder, date = tmp_path / "files", part.sessions()[2]
    bars = part.read_session(date, ALL)
    folder.mkdir()
    dirty = pl.concat(
        [
            bars,
            bars.head(500),
            bars.slice(1000, 50).with_columns(pl.col("close") + 0.01, pl.col("high") + 0.02),
            bars.slice(2000, 20).with_columns(pl.col("low") - 1000.0),
            bars.slice(3000, 5).with_columns(open=None),
            bars.slice(4000, 5).with_columns(pl.col("timestamp").dt.offset_by("-1d")),
        ]
    ).sample(fraction=1.0, shuffle=True, seed=2)
    dirty.write_parquet(folder / f"{date}.parquet")
    archive = init_in_place(folder, folder, InPlaceOptions(label="open"))
    import_bars([folder / f"{date}.parquet"], tmp_path / "imported", ImportOptions(label="open"))
    imported = Archive.open(tmp_path / "imported")
    for columns in (ALL, ["close"], ["symbol", "timestamp"]):
        assert archive.read_session(date, columns).equals(imported.read_session(date, columns))
    found = {finding.kind: finding.count for finding in check_archive(archive)}
    assert (
        found["of another date: not seen"] == 5
        and found["missing price"] == 5
        and found["price not positive"] == 20
    )
    assert not any(finding.fault for finding in check_archive(archive))


def test_files_that_are_new_changed_or_gone_are_followed(part: Archive, tmp_path: Path) -> None:
    folder, dates = tmp_path / "files", part.sessions()
    archive = laid_out(part, folder, sorted_gzip, label="open")
    (folder / f"{dates[-1]}.parquet").rename(tmp_path / "last.parquet")
    changed = part.read_session(dates[1], ALL).with_columns(pl.col("close", "high") * 2)
    changed.write_parquet(folder / f"{dates[1]}.parquet")
    archive = Archive.open(folder)
    assert archive.sessions() == archive.sessions("1d") == dates[:-1]
    files = archive.files
    assert isinstance(files, ForeignFiles) and files.catalogue().read == 1
    day = archive.read_daily(["close"], dates[1], dates[2])["close"]
    assert day.to_list() == (part.read_daily(["close"], dates[1], dates[2])["close"] * 2).to_list()
    (tmp_path / "last.parquet").rename(folder / f"{dates[-1]}.parquet")
    assert Archive.open(folder).sessions("1d") == dates


@pytest.mark.parametrize("cache", ["", "no folder"])
def test_where_nothing_can_be_kept_the_facts_last_as_long_as_the_process(
    cache: str, part: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv(calendar_cache.FOLDER, cache and str(tmp_path / cache))
    archive = laid_out(part, tmp_path / "files", sorted_gzip, label="open")
    assert archive.symbols() == part.symbols()
    assert sorted(
        path.name for path in (tmp_path / "files").iterdir() if path.suffix != ".parquet"
    ) == ["archive.json"]


def test_files_that_vanish_are_named(part: Archive, tmp_path: Path) -> None:
    archive = laid_out(part, tmp_path / "files", sorted_gzip, label="open")
    archive = Archive.open(archive.path)
    date = archive.sessions()[0]
    assert archive.symbols()
    gone = archive.files.paths("1m", date)[0]
    gone.unlink()
    for read in (
        lambda: archive.read_session(date, ALL),
        archive.digest,
        lambda: describe(archive),
    ):
        with pytest.raises(ArchiveError, match=rf"{date}\.parquet: (cannot be read|no such file)"):
            read()
    os.truncate(archive.files.paths("1m", archive.sessions()[1])[0], 900)
    with pytest.raises(ArchiveError, match="cannot be read"):
        Archive.open(archive.path).symbols()


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({"label": None}, None, "not declared"),
        (
            {"label": "open"},
            [pl.col("timestamp").dt.replace_time_zone(None)],
            "--timezone, such as",
        ),
        ({"label": "open"}, [pl.col("timestamp").dt.epoch("s")], "--epoch-unit s, ms, us or ns"),
        ({"label": "open", "files": "{date:%Y}.parquet"}, None, "with the date|of %Y, %m, %d"),
        ({"label": "open", "files": "x-{date}.parquet"}, None, "no file matches"),
        ({"label": "open", "exchange": "XXXX"}, None, "unknown exchange"),
    ],
)
def test_what_cannot_be_read_in_place_says_what_to_do(
    options: dict[str, Any],
    change: list[pl.Expr] | None,
    message: str,
    part: Archive,
    tmp_path: Path,
) -> None:
    bars = part.read_session(START, ALL)
    (bars.with_columns(change) if change else bars).write_parquet(tmp_path / f"{START}.parquet")
    with pytest.raises(Exception, match=message):
        init_in_place(tmp_path, tmp_path, InPlaceOptions(**options))
    assert not (tmp_path / layout.MANIFEST).exists()


def test_files_without_a_date_are_for_importing(part: Archive, tmp_path: Path) -> None:
    part.read_session(START, ALL).write_parquet(tmp_path / "bars.parquet")
    with pytest.raises(ArchiveError, match="barsweep archive import"):
        init_in_place(tmp_path, tmp_path, InPlaceOptions("open"))


def test_a_map_of_tickers_and_splits_hold_for_files_in_place(part: Archive, tmp_path: Path) -> None:
    """What lies beside archive.json is read with it: here one company follows another under a ticker, and a third splits."""
    archive = laid_out(part, tmp_path / "files", by_time, label="open", timezone="America/New_York")
    shutil.copytree(part.path, tmp_path / "imported")
    tickers = [("OLD", "AAPL", dt.date(2010, 1, 1), START), ("AAPL", "AAPL", START, None)]
    actions = [("TSLA", dt.date(2018, 3, 6), 2.0, None)]
    for root in (archive.path, tmp_path / "imported"):
        pl.DataFrame(tickers, schema=SYMBOL_MAP_SCHEMA, orient="row").write_parquet(
            root / layout.SYMBOL_MAP
        )
        pl.DataFrame(actions, schema=CORPORATE_ACTIONS_SCHEMA, orient="row").write_parquet(
            root / layout.ACTIONS
        )
    in_place, imported = Archive.open(archive.path), Archive.open(tmp_path / "imported")
    assert "OLD" in in_place.symbols() and in_place.symbols() == imported.symbols()
    found = tables(scans(), in_place)
    assert all(found[name].equals(rows) for name, rows in tables(scans(), imported).items())
    assert not found["hits"].equals(tables(scans(), part)["hits"])


def test_nothing_is_imported_into_files_in_place(part: Archive, tmp_path: Path) -> None:
    archive = laid_out(part, tmp_path / "files", sorted_gzip, label="open")
    with pytest.raises(BarImportError, match="read in place"):
        import_bars(
            [tmp_path / "files" / f"{START}.parquet"], archive.path, ImportOptions(label="open")
        )
    with pytest.raises(ArchiveError, match="archive of imported bars is here"):
        init_in_place(tmp_path / "files", part.path, InPlaceOptions("open"))


@given(
    st.dates(dt.date(1990, 1, 1), dt.date(2099, 1, 1)), st.text("ABCZ.-_", min_size=1, max_size=8)
)
@settings(max_examples=60, deadline=None)
def test_a_template_finds_what_it_writes(date: dt.date, symbol: str) -> None:
    for text, path in (
        ("{date}.parquet", f"{date}.parquet"),
        ("date={date}/*.parquet", f"date={date}/part-17.parquet"),
        (
            "year={date:%Y}/month={date:%-m}/day={date:%-d}/{symbol}.csv",
            f"year={date.year}/month={date.month}/day={date.day}/{symbol}.csv",
        ),
        (
            "{date:%Y/%m}/{symbol}_{date:%Y%m%d}.csv.gz",
            f"{date:%Y/%m}/{symbol}_{date:%Y%m%d}.csv.gz",
        ),
    ):
        found = Template(text, "here").match(path)
        assert found == (date, symbol if "{symbol}" in text else None)
        assert Path(path).match(Template(text, "here").glob.rpartition("/")[2])


def test_a_template_of_two_dates_that_differ_matches_nothing() -> None:
    template = Template("{date:%Y/%m}/{date}.parquet", "here")
    assert (
        template.match("2018/03/2018-03-01.parquet")
        and template.match("2018/04/2018-03-01.parquet") is None
    )
    assert template.match("2018/13/2018-13-01.parquet") is None


@pytest.mark.usefixtures("shared_at_once")
def test_every_command_works_on_it_and_the_scan_says_what_it_costs(
    part: Archive, barsweep: Barsweep, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    for date in part.sessions():
        hive_shuffled(folder, date, part.read_session(date, ALL))
    made = barsweep(
        "archive",
        "init",
        folder,
        "--archive",
        tmp_path / "archive",
        "--label",
        "close",
        "--epoch-unit",
        "ns",
    )
    assert (
        made.status == 0
        and "date={date}/*.parquet" in made.out
        and "sessions out of order  14" in made.out
    )
    archive, out = tmp_path / "archive", tmp_path / "hits.parquet"
    scan = barsweep(
        "scan",
        "scanners.momentum_scanner",
        "--archive",
        archive,
        "--start",
        "2018-03-05",
        "--out",
        out,
        "--workers",
        "2",
    )
    assert (
        scan.status == 0 and "read in place: a session takes" in scan.err and "imported" in scan.err
    )
    expected = hits(config([momentum()], start="2018-03-05"), part)
    assert (
        pl.read_parquet(out)
        .select("tick", "symbol", "rank")
        .equals(expected.select("tick", "symbol", "rank"))
    )
    quiet = barsweep(
        "scan",
        "scanners.momentum_scanner",
        "--archive",
        archive,
        "--start",
        "2018-03-05",
        "--quiet",
    )
    assert quiet.status == 0 and quiet.err == ""
    imported = barsweep(
        "scan", "scanners.momentum_scanner", "--archive", part.path, "--start", "2018-03-05"
    )
    assert "read in place" not in imported.err
    for command in (
        ("info",),
        ("check",),
        ("quality", "--worst", "3"),
    ):
        assert barsweep(
            "archive",
            *command,
            "--archive",
            archive,
            "--quiet" if command[0] != "info" else "--format=json",
        ).status in (0, 1)
    explained = barsweep(
        "explain",
        "scanners.momentum_scanner",
        "--archive",
        archive,
        "--symbol",
        "AAPL",
        "--at",
        "2018-03-06 10:00",
    )
    assert explained.status == 0
    refused = barsweep("archive", "check", "--fix", "--archive", archive)
    assert refused.status == 2 and "are not changed" in refused.err
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".parquet"}


def test_the_cost_is_measured(part: Archive, tmp_path: Path) -> None:
    assert reading_cost(part, START) is None
    cost = reading_cost(
        laid_out(part, tmp_path / "files", hive_shuffled, label="close", epoch_unit="ns"), START
    )
    assert cost is not None and min(cost.decode, cost.convert, cost.sort, cost.imported) > 0


@pytest.mark.parametrize(
    "files", ["../{date}.parquet", "a/../../{date}.parquet", "/data/{date}.parquet"]
)
def test_files_in_place_are_below_their_root(files: str) -> None:
    with pytest.raises(ArchiveError, match="expected a path below root"):
        Template(files, "here")


def test_init_and_import_leave_the_archives_own_tables_alone(tmp_path: Path) -> None:
    day = pl.DataFrame(
        [
            ("AAA", dt.datetime(2018, 3, 1, 14, 30 + m, tzinfo=dt.UTC), *[10.0] * 5)
            for m in range(5)
        ],
        schema=BAR_SCHEMA,
        orient="row",
    )
    day.write_parquet(tmp_path / "2018-03-01.parquet")
    for _ in range(2):
        archive = init_in_place(tmp_path, tmp_path, InPlaceOptions("open"))
        pl.DataFrame(schema=CORPORATE_ACTIONS_SCHEMA).write_parquet(tmp_path / layout.ACTIONS)
        pl.DataFrame(schema=SYMBOL_MAP_SCHEMA).write_parquet(tmp_path / layout.SYMBOL_MAP)
    summary = import_bars([tmp_path], tmp_path / "imported", ImportOptions(label="open"))
    assert summary.files == 1 and not diff_archives(archive, Archive.open(tmp_path / "imported"))


def test_csv_in_place_is_read_as_an_import_reads_it(tmp_path: Path) -> None:
    """Semicolons and a byte order mark, as spreadsheets write."""
    rows = [f"AAA;2018-03-01T14:3{m}:00Z;10.0;11.0;9.0;10.5;100" for m in range(5)]
    text = "\ufeff" + "\n".join(["symbol;timestamp;open;high;low;close;volume", *rows]) + "\n"
    (tmp_path / "2018-03-01.csv").write_text(text, encoding="utf-8")
    archive = init_in_place(tmp_path, tmp_path, InPlaceOptions("open"))
    import_bars([tmp_path], tmp_path / "imported", ImportOptions(label="open"))
    assert archive.symbols() == ["AAA"] and not diff_archives(
        archive, Archive.open(tmp_path / "imported")
    )


HOSTILE = (
    "{symbol}*{symbol}*{symbol}*{date}",
    "{symbol}_*{symbol}_*{symbol}_*{date}.csv",
    "*a*a*a*a*a*a*a*a*{date}",
    "{date}" + "*-" * 60,
    "{date:%Y%m%d}" + "{date:%-m%-d}" * 30,
    "{date}/{symbol}" + "_{symbol}" * 20,
    "{date:" + "%Y%-m%-d" * 20 + "}*",
)
NAMES = (
    "a" * 125,
    "2018-03-01" + "a" * 115,
    "a" * 115 + "2018-03-01",
    "1" * 125,
    "a_" * 60,
    "2018-03-01/" + "a_" * 60,
    "-" * 125,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_template_takes_long_over_a_name(text: str, tmp_path: Path) -> None:
    """It is refused, or says at once what a path is."""
    started = time.perf_counter()
    try:
        template = Template(text, "here")
    except ArchiveError as error:
        assert "here" in str(error)
        return
    for name in NAMES:
        template.match(name)
    (tmp_path / NAMES[0]).write_text("")
    assert len(list(tmp_path.glob(template.glob))) <= 1
    assert time.perf_counter() - started < 2.0


def test_an_archive_json_of_many_symbols_in_a_path_is_one_clear_error(
    part: Archive, tmp_path: Path, barsweep: Barsweep
) -> None:
    """Three places that may be anything beside three others, and one long name."""
    archive = laid_out(part, tmp_path / "files", sorted_gzip, label="open")
    told = json.loads((archive.path / layout.MANIFEST).read_text())
    told["in_place"]["files"] = "{symbol}*{symbol}*{symbol}*{date}.parquet"
    (archive.path / layout.MANIFEST).write_text(json.dumps(told))
    (tmp_path / "files" / ("a" * 125)).write_text("")
    called = barsweep("archive", "info", "--archive", archive.path)
    assert (
        called.status == 2
        and "where the symbol ends cannot be told" in called.err
        and len(called.err.splitlines()) == 1
    )


@pytest.mark.parametrize("text", ["{date:%Y-%m-%dT%H}.csv", "{date:%y%m%d}.csv", "{date:%Y%m}.csv"])
def test_a_template_of_other_times_is_refused(text: str) -> None:
    with pytest.raises(ArchiveError, match="of %Y, %m, %d each at least once"):
        Template(text, "here")


@pytest.mark.parametrize("folder", ["[2018]", "what?", "a+b (1)"])
def test_names_that_a_shell_would_read_otherwise_are_names(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "2018-03-01.csv").write_text("")
    template = Template(folder + "/{date}.csv", "here")
    assert template.match(f"{folder}/2018-03-01.csv") == (dt.date(2018, 3, 1), None)
    assert [path.name for path in tmp_path.glob(template.glob)] == ["2018-03-01.csv"]


@pytest.mark.parametrize(
    ("text", "path", "symbol"),
    [
        ("{date}/{symbol}.csv", "2018-03-01/BRK.A.csv", "BRK.A"),
        ("{date}/{symbol}.csv.gz", "2018-03-01/BRK.B.csv.gz", "BRK.B"),
        ("{symbol}/{date:%Y}/{symbol}_{date:%Y%m%d}.csv", "BRK.A/2018/BRK.A_20180301.csv", "BRK.A"),
        ("{date:%-m}/{date}_{symbol}_*.csv", "3/2018-03-01_A_B_x.csv", "A_B"),
    ],
)
def test_symbols_of_paths(text: str, path: str, symbol: str) -> None:
    assert Template(text, "here").match(path) == (dt.date(2018, 3, 1), symbol)


def test_a_path_of_two_symbols_is_of_none() -> None:
    assert Template("{symbol}/{symbol}_{date}.csv", "here").match("AAA/BBB_2018-03-01.csv") is None
