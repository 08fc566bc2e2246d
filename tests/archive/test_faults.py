"""What happens to files and machines: damage is told, a write is whole or not at all, and what was interrupted goes on."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.archive_info import describe
from engine.archive.disk import layout
from engine.archive.disk.bar_files import count_rows, read_bars, read_index, verify, write_bars
from engine.archive.disk.daily_files import daily_from_session
from engine.archive.disk.lock import write_lock
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.archive.ingest.staging import PLAN
from engine.archive.quality.check_bars import check_archive
from engine.errors import ArchiveError, BarImportError
from engine.panel.session_panel import SessionPanel
from engine.panel.symbol_table import SymbolTable
from engine.schema import BAR_SCHEMA
from tests.archive.forked_imports import digests
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT, real_data
from tests.running import config, hits, momentum, tables, write_config

DATES = [dt.date(2018, 3, 1), dt.date(2018, 3, 2), dt.date(2018, 3, 5)]
ALL = list(BAR_SCHEMA)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real bars of a few symbols and sessions."""
    path = tmp_path_factory.mktemp("faults") / "source.parquet"
    bars = pl.scan_parquet(real_data("us_1min_2018.parquet"))
    bars.filter(
        pl.col("symbol") < "AD", pl.col("timestamp").dt.date().is_in(DATES)
    ).collect().write_parquet(path)
    return path


@pytest.fixture
def archive(source: Path, tmp_path: Path) -> Archive:
    import_bars([source], tmp_path / "archive", ImportOptions(label="open"))
    return Archive.open(tmp_path / "archive")


def in_processes(
    *arguments: object, prefix: tuple[str, ...] = (), cwd: Path = PROJECT
) -> dict[str, object]:
    """What `forked_imports` prints."""
    command = [*prefix, sys.executable, "-m", "tests.archive.forked_imports", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, check=False, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "stderr": done.stderr}


def every_bar(start: str, end: str, interval: str) -> dict[str, object]:
    """A scanner that finds every symbol with a price."""
    schedule = [{"start": start, "end": end, "interval": interval}]
    return {
        "module": "scanners.criteria_scanner",
        "regular_session": schedule,
        "config": {"criteria": {"any": "close > 0"}},
    }


# -- damaged files


@pytest.mark.parametrize("kind", ["session", "daily"])
def test_a_file_truncated_at_every_kilobyte_is_named(kind: str, archive: Archive) -> None:
    path = (
        archive.daily_file(2018)
        if kind == "daily"
        else layout.session_file(archive.path, "1m", DATES[0])
    )
    whole = path.read_bytes()
    for size in range(0, len(whole), 1024 if kind == "session" else 256):
        path.write_bytes(whole[:size])
        assert read_index(path) is None
        for read in (lambda: read_bars(path, ALL), lambda: verify(path), lambda: count_rows(path)):
            with pytest.raises(
                ArchiveError, match=rf"bars\.parquet: not a readable Parquet file \({size:,} bytes"
            ):
                read()
    assert [f.kind for f in check_archive(archive)][:1] == ["unreadable file"]


def test_an_import_of_a_file_truncated_at_every_kilobyte_writes_nothing(
    source: Path, tmp_path: Path
) -> None:
    whole, cut = source.read_bytes(), tmp_path / "cut.parquet"
    for size in range(0, len(whole), 1024):
        cut.write_bytes(whole[:size])
        with pytest.raises(BarImportError, match=r"cut\.parquet: cannot be read"):
            import_bars([cut], tmp_path / "archive", ImportOptions(label="open"))
    assert list(digests(tmp_path / "archive")) == []


def test_archive_json_truncated_at_every_byte_is_named(archive: Archive) -> None:
    path = archive.path / layout.MANIFEST
    whole = path.read_bytes()
    for size in range(len(whole) - 2):  # without the last brace
        path.write_bytes(whole[:size])
        with pytest.raises(ArchiveError, match=r"archive\.json: not readable"):
            Archive.open(archive.path)


def test_a_flipped_bit_is_harmless_or_found(archive: Archive) -> None:
    """Every page has a checksum, which `archive check` verifies; what passes reads as it was written."""
    path = layout.session_file(archive.path, "1m", DATES[0])
    whole, bars, index = path.read_bytes(), read_bars(path, ALL), read_index(path)
    dice, found = random.Random(5), 0
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    assert index is not None
    for number in range(300):
        at = dice.randrange(len(whole)) if number % 2 else dice.randrange(footer, len(whole))
        flipped = bytearray(whole)
        flipped[at] ^= 1 << dice.randrange(8)
        path.write_bytes(flipped)
        told = read_index(path)
        try:
            verify(path)
            assert read_bars(path, ALL).equals(bars)
        except ArchiveError as error:
            assert "bars.parquet" in str(error)
            found += 1
        assert told is None or (told[0] == index[0] and told[1].tolist() == index[1].tolist())
    assert found > 150
    path.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    assert [f.kind for f in check_archive(archive)] == ["unreadable file"]


def test_a_truncated_run_leaves_nothing(
    archive: Archive, barsweep: Barsweep, tmp_path: Path
) -> None:
    path = layout.session_file(archive.path, "1m", DATES[-1])
    path.write_bytes(path.read_bytes()[:2048])
    called = barsweep(
        "scan",
        "scanners.momentum_scanner",
        "--archive",
        archive.path,
        "--out",
        tmp_path / "hits.csv",
        "--quiet",
    )
    assert (
        called.status == 2
        and "2018-03-05/bars.parquet: not a readable Parquet file (2,048 bytes" in called.err
    )
    assert not (tmp_path / "hits.csv").exists() and not list(tmp_path.glob(".*"))


# -- imports that are interrupted


def test_fifty_kills_and_the_same_bytes(source: Path, tmp_path: Path) -> None:
    told = in_processes("kill", source, tmp_path, 50, 20180301)
    assert told["killed"] == 50 and told["wrong"] == [], told
    assert (
        told["files"] == len(DATES) + 3
    )  # a session each, a year of days, archive.json, sources.arrow


def test_an_import_killed_while_it_cleans_up(
    source: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is left of its staging folder is not taken for an import to go on with."""

    def killed(folder: Path, **_: object) -> None:
        for path in folder.rglob("*"):
            if path.is_file() and path.name != PLAN:
                path.unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("engine.archive.ingest.staging.shutil.rmtree", killed)
        import_bars([source], tmp_path / "again", ImportOptions(label="open"))
    import_bars([source], tmp_path / "again", ImportOptions(label="open"))
    assert (
        digests(tmp_path / "again") == digests(archive.path)
        and not (tmp_path / "again" / ".import").exists()
    )


def test_two_imports_at_once(source: Path, tmp_path: Path) -> None:
    told = in_processes("race", source, tmp_path, 3)
    assert all(statuses in ([0, 0], [0, 2]) for statuses in told["statuses"])  # type: ignore[attr-defined]
    assert all(told["same"])  # type: ignore[call-overload]


def test_what_a_killed_writer_left_goes_with_the_next(archive: Archive) -> None:
    before = digests(archive.path)
    left = layout.session_file(archive.path, "1m", DATES[0]).parent / ".bars.parquet.99999.tmp"
    left.write_bytes(b"half")
    with write_lock(archive.path):
        assert digests(archive.path) == before


@pytest.mark.parametrize("limit", [500, 20_000])
def test_a_write_that_the_system_refuses_and_the_same_bytes_later(
    limit: int, source: Path, archive: Archive, tmp_path: Path
) -> None:
    told = in_processes("full", source, tmp_path / "full", limit)
    assert told["first"] == 2 and "make room or rights, then run the import again" in str(
        told["stderr"]
    )
    assert layout.MANIFEST not in told["left"]  # type: ignore[operator]
    assert told["second"] == 0 and told["digests"] == digests(archive.path)


def test_a_full_disk(source: Path, tmp_path: Path) -> None:
    mounted = tmp_path / "small"
    mounted.mkdir()
    script = f'mount -t tmpfs -o size=150k tmpfs {mounted} && exec "$@"'
    prefix = ("unshare", "-rm", "sh", "-c", script, "sh")
    try:
        can = (
            subprocess.run(
                [*prefix, "true"], check=False, capture_output=True, timeout=60
            ).returncode
            == 0
        )
    except OSError:
        can = False
    if not can:
        pytest.skip(
            "no small file system can be mounted here; the limit of a file's size is tested above"
        )
    told = in_processes("full", source, mounted / "archive", 1 << 40, prefix=prefix)
    assert (told["first"], told["second"]) == (2, 2)
    assert "No space left on device" in str(told["stderr"]) and layout.MANIFEST not in told["left"]  # type: ignore[operator]


def test_a_folder_that_cannot_be_written(source: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "archive").mkdir(mode=0o555)
    shutil.copy(source, tmp_path / "source.parquet")
    told = in_processes("nobody", "source.parquet", "archive", cwd=tmp_path)
    assert told["status"] == 2 and "archive: cannot be written: Permission denied" in str(
        told["stderr"]
    )


@pytest.mark.parametrize("command", ["run", "scan"])
def test_results_that_the_system_refuses_leave_nothing(
    command: str, archive: Archive, barsweep: Barsweep, tmp_path: Path
) -> None:
    content = {
        "mode": "backtest",
        "session_data_config": {"scanners": [every_bar("09:31", "16:00", "1m")]},
    }
    own = (
        [write_config(tmp_path / "config.json", content)]
        if command == "run"
        else ["--where", "close > 0"]
    )
    target = "out" if command == "run" else "out/hits.csv"
    whole = barsweep(
        command, *own, "--archive", archive.path, "--out", tmp_path / "whole" / target, "--quiet"
    )
    assert whole.status == 0  # and what is compiled is kept
    arguments = [
        "barsweep",
        command,
        *map(str, own),
        "--archive",
        str(archive.path),
        "--out",
        str(tmp_path / target),
        "--quiet",
    ]
    code = (
        f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); sys.argv = {arguments!r}\n"
        "from engine.cli.main import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (
        done.returncode == 2 and "File too large" in done.stderr and "Traceback" not in done.stderr
    ), done.stderr
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_results_into_a_folder_that_is_a_file(
    archive: Archive, barsweep: Barsweep, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file/hits.csv"
    called = barsweep(
        "scan", "scanners.momentum_scanner", "--archive", archive.path, "--out", out, "--quiet"
    )
    assert called.status == 2 and "cannot be written" in called.err


# -- files that vanish, odd sessions, odd symbols


def test_files_that_vanish_between_listing_and_reading(archive: Archive) -> None:
    loaded = config([momentum()], start=str(DATES[0]), end=str(DATES[-1]))
    path = layout.session_file(archive.path, "1m", DATES[1])
    listed = archive.sessions()
    archive.sessions = lambda interval="1m": listed if interval == "1m" else DATES  # type: ignore[method-assign]
    path.unlink()
    with pytest.raises(ArchiveError, match=r"date=2018-03-02/bars\.parquet: no such file"):
        hits(loaded, archive)
    with pytest.raises(ArchiveError, match="no such file"):
        describe(archive)
    assert [f.kind for f in check_archive(archive)] == ["unreadable file"]


def test_a_session_replaced_while_it_is_read(archive: Archive) -> None:
    """The metadata of one file and the bars of another are not put together."""
    bars = archive.read_session(DATES[0], ALL)
    stale = archive.read_session_index(DATES[0])
    write_bars(
        layout.session_file(archive.path, "1m", DATES[0]),
        bars.filter(pl.col("symbol") != bars["symbol"][0]),
    )
    archive.read_session_index = lambda date, interval="1m": stale  # type: ignore[method-assign]
    with pytest.raises(ArchiveError, match="changed while it was read"):
        SessionPanel.read(
            archive,
            archive.calendar.session(DATES[0]),
            SymbolTable(archive.symbols()),
            archive.manifest.base,
            ["close"],
            False,
        )


def own_archive(path: Path, sessions: dict[dt.date, pl.DataFrame]) -> Archive:
    """An archive of these sessions."""
    layout.write_manifest(path, layout.ArchiveManifest(exchange="XNYS", intervals=("1m", "1d")))
    archive = Archive.open(path)
    for date, bars in sessions.items():
        write_bars(layout.session_file(path, "1m", date), bars)
    days = [
        daily_from_session(bars, archive.calendar.session(date)) for date, bars in sessions.items()
    ]
    write_bars(layout.daily_file(path, DATES[0].year), pl.concat(days).sort("symbol", "timestamp"))
    return Archive.open(path)


def bars_of(symbols: list[str], date: dt.date, minutes: list[int]) -> pl.DataFrame:
    """Rising bars of a session."""
    open_ = dt.datetime.combine(date, dt.time(14, 30), dt.UTC)
    rows = [
        (s, open_ + dt.timedelta(minutes=m), 10.0 + m, 11.0 + m, 9.0 + m, 10.5 + m, 1e6)
        for s in sorted(symbols)
        for m in minutes
    ]
    return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row")


def test_an_empty_session_and_one_of_one_bar(tmp_path: Path) -> None:
    full = bars_of(["AAA", "BBB"], DATES[0], list(range(60)))
    empty, one = full.clear(), bars_of(["AAA"], DATES[2], [30])
    archive = own_archive(tmp_path / "archive", dict(zip(DATES, (full, empty, one), strict=True)))
    found = tables(config([every_bar("10:00", "11:00", "15m")]), archive)
    assert (
        found["hits"].group_by("session", "symbol").len().sort("session", "symbol").rows()
        == [
            (DATES[0], "AAA", 5),
            (DATES[0], "BBB", 5),
            (DATES[1], "AAA", 5),
            (DATES[1], "BBB", 5),
            (DATES[2], "AAA", 4),
        ]
    )  # the latest bar reaches back one session, so the empty one sees the full one, and the last nothing but its own
    present = (
        found["quality"].filter(pl.col("symbol") == "AAA").select("present", "longest_gap").rows()
    )
    assert present == [(60, 330.0), (0, 390.0), (1, 359.0)]
    assert {f.kind for f in check_archive(archive)} == {"half a session"}
    assert describe(archive).intervals[0].rows == 121


def test_odd_symbols_are_names_and_never_paths(barsweep: Barsweep, tmp_path: Path) -> None:
    odd = [
        "BRK.B",
        "../x",
        "/etc/passwd",
        "A B",
        "C:\\D",
        "ÄÖ",
        "%2E",
        "x\ny",
        "NULL",
        "nan",
        "<b>",
    ]
    upper = sorted({symbol.upper() for symbol in odd})
    bars_of(odd, DATES[0], list(range(40))).write_parquet(tmp_path / "source.parquet")
    import_bars([tmp_path / "source.parquet"], tmp_path / "archive", ImportOptions(label="open"))
    archive = Archive.open(tmp_path / "archive")
    assert archive.symbols() == upper
    files = {
        path.relative_to(archive.path).parts[0]
        for path in archive.path.rglob("*")
        if path.is_file()
    }
    assert (
        files == {"archive.json", "bars", "sources.arrow", ".import.lock"}
        and not (tmp_path / "x").exists()
    )
    found = hits(config([every_bar("10:00", "10:00", "5m")]), archive)
    assert sorted(found["symbol"]) == upper
    page = tmp_path / "page.html"
    assert (
        barsweep(
            "archive", "quality", "--archive", archive.path, "--heatmap", page, "--quiet"
        ).status
        == 0
    )
    assert (
        "<B>"
        not in page.read_text(encoding="utf-8").partition("coverage")[2].partition("plotly")[0]
    )


def test_twenty_thousand_symbols(tmp_path: Path) -> None:
    symbols = [f"S{number:05d}" for number in range(20_000)]
    pl.concat([bars_of(symbols, date, [0, 1, 2]) for date in DATES[:2]]).write_parquet(
        tmp_path / "source.parquet"
    )
    summary = import_bars(
        [tmp_path / "source.parquet"], tmp_path / "archive", ImportOptions(label="open")
    )
    assert summary.rows_written == 120_000
    archive = Archive.open(tmp_path / "archive")
    assert archive.symbols() == symbols
    found = tables(config([every_bar("09:33", "09:33", "1m")]), archive)
    assert len(found["hits"]) == 40_000 == len(found["quality"])


def test_dtypes_that_differ_between_source_files(tmp_path: Path) -> None:
    """Whatever each file calls a number or a time, the bars are the same."""
    bars = bars_of(["AAA", "BBB", "CCC", "DDD"], DATES[0], list(range(20)))
    changes = {
        "AAA": [pl.col("volume").cast(pl.Int32), pl.col("close").cast(pl.Float32)],
        "BBB": [
            pl.col("timestamp")
            .dt.convert_time_zone("America/New_York")
            .cast(pl.Datetime("ns", "America/New_York"))
        ],
        "CCC": [pl.col("open").cast(pl.String), pl.col("volume").cast(pl.String)],
        "DDD": [
            pl.col("timestamp").cast(pl.Datetime("ms", "UTC")),
            pl.col("symbol").cast(pl.Categorical),
            pl.col("high").cast(pl.Decimal(10, 2)),
        ],
    }
    for symbol, change in changes.items():
        bars.filter(pl.col("symbol") == symbol).with_columns(change).write_parquet(
            tmp_path / f"{symbol}.parquet"
        )
    import_bars(
        [tmp_path / f"{symbol}.parquet" for symbol in changes],
        tmp_path / "archive",
        ImportOptions(label="open"),
    )
    assert Archive.open(tmp_path / "archive").read_session(DATES[0], ALL).equals(bars)


def test_a_dtype_that_differs_between_session_files_is_named(archive: Archive) -> None:
    path = layout.session_file(archive.path, "1m", DATES[1])
    read_bars(path, ALL).with_columns(pl.col("volume").cast(pl.Int64)).write_parquet(path)
    with pytest.raises(
        ArchiveError, match=r"2018-03-02/bars\.parquet: column 'volume' is Int64; expected Float64"
    ):
        hits(config([momentum()], start=str(DATES[0]), end=str(DATES[-1])), archive)
