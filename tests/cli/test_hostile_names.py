"""Symbols, scanners, sessions, features and clauses of any name: no command fails on them, and none prints what they command."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.disk.bar_files import write_bars
from engine.archive.disk.layout import daily_file, session_file
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT

SYMBOLS = [
    "A[/X]",
    "[BOLD]B",
    "[LINK=HTTPS://EVIL.EXAMPLE]C[/LINK]",
    ":SMILE:",
    "D\nFORGED\t1",
    "E\x1b[2JRED\x1b]0;TITLE\x07",
    "F\x00NUL",
    "G\r\nFORGED",
    "=CMD|' /C CALC'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "H\u202eEVIL",
    "I\x9b2J",
    "X" * 300,
    "../../ESCAPED",
    "J'\"<B>",
]
MAIN = "from engine.cli.main import main; main()"
MARKUP, FORMULA = "S[/X]\n\x1b[31m", "=1+1"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Two sessions of minutes; the files are written by others, not by an import, which may refuse some of the names."""
    folder = tmp_path_factory.mktemp("names")
    stamps = pl.concat(
        [
            pl.datetime_range(
                pl.datetime(2024, 3, day, 14, 30),
                pl.datetime(2024, 3, day, 20, 59),
                "1m",
                time_zone="UTC",
                eager=True,
            )
            for day in (4, 5)
        ]
    )
    one = pl.DataFrame({"timestamp": stamps.cast(pl.Datetime("us", "UTC"))}).with_columns(
        open=pl.lit(10.0),
        high=pl.lit(11.0),
        low=pl.lit(9.0),
        close=10.0 + pl.int_range(pl.len()) % 7 * 0.1,
        volume=pl.lit(100.0),
    )
    plain = {f"S{number:02d}": symbol for number, symbol in enumerate(SYMBOLS)}
    pl.concat(one.with_columns(symbol=pl.lit(name)) for name in plain).write_parquet(
        folder / "bars.parquet"
    )
    import_bars([folder / "bars.parquet"], folder / "archive", ImportOptions(label="open"))
    archive = Archive.open(folder / "archive")
    for path in [
        *(session_file(archive.path, "1m", date) for date in archive.sessions()),
        daily_file(archive.path, 2024),
    ]:
        bars = pl.read_parquet(path, hive_partitioning=False)
        write_bars(
            path, bars.with_columns(pl.col("symbol").replace(plain)).sort("symbol", "timestamp")
        )
    return Archive.open(archive.path)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scanner = {
        "module": "scanners.criteria_scanner",
        "name": MARKUP,
        "regular_session": [{"start": "10:00", "end": "11:00", "interval": "30m"}],
        "config": {
            "criteria": {MARKUP: "close > 0"},
            "features": {FORMULA: "close", "\x1b[31m": "session_high"},
        },
    }
    strategy = {
        "module": "engine.strategies.vwap_pullback",
        "name": MARKUP,
        "config": {"min_change": 0.0},
    }
    path = tmp_path_factory.mktemp("config") / "config.json"
    path.write_text(
        json.dumps(
            {
                "session_name": MARKUP,
                "mode": "backtest",
                "session_data_config": {"scanners": [scanner]},
                "strategies": [strategy],
            }
        )
    )
    return path


@pytest.fixture(scope="module")
def run(hostile: Archive, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    command = [
        sys.executable,
        "-c",
        MAIN,
        "run",
        config,
        "--archive",
        hostile.path,
        "--out",
        out,
        "--quiet",
    ]
    done = subprocess.run(
        list(map(str, command)), cwd=PROJECT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (path,) = out.iterdir()
    return path


def commands(archive: Path, config: Path, run: Path, out: Path) -> dict[str, list[object]]:
    scan = [
        "scan",
        "--where",
        "close > 0",
        "--feature",
        "c=close",
        "--schedule",
        "10:00-10:30/30m",
        "--archive",
        archive,
    ]
    where = ["--archive", archive, "--where", "close > 0"]
    return {
        "scan": scan,
        "scan csv": [*scan, "--format", "csv"],
        "run": ["run", config, "--archive", archive, "--out", out],
        "quality": ["archive", "quality", "--archive", archive],
        "info": ["archive", "info", "--archive", archive],
        "check": ["archive", "check", "--archive", archive],
        "explain": ["explain", "--at", "2024-03-05 10:30", "--symbol", SYMBOLS[4], *where],
        "near misses": [
            "explain",
            "--near-misses",
            "--at",
            "2024-03-05 10:30",
            *where[:2],
            "--where",
            "close > 10.3",
        ],
        "evaluate": ["evaluate", run],
        "report": ["report", run],
        "diff": ["diff", run, run],
        "config": ["config", "check", config],
        "audit": ["audit", run, "--ticks", 1, "--sessions", 1],
        "indicator": ["indicators", "show", "sma_5_1m", *where[:2], "--symbol", SYMBOLS[4]],
        **{
            f"show {number}": ["show", run, f"--symbol={symbol}"]
            for number, symbol in enumerate(SYMBOLS)
            if "\0" not in symbol
        },
    }


def test_no_command_prints_what_a_name_commands(
    hostile: Archive, config: Path, run: Path, barsweep: Barsweep, tmp_path: Path
) -> None:
    for name, arguments in commands(hostile.path, config, run, tmp_path / "runs").items():
        called = barsweep(*arguments)
        assert called.status in (0, 1) and "Traceback" not in called.err, (name, called.err)
        for text in (called.out, called.err):
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e]", text), (
                name,
                text,
            )
            assert not any(line.startswith("FORGED") for line in text.splitlines()), (name, text)


@pytest.mark.parametrize(
    "number", [number for number, symbol in enumerate(SYMBOLS) if "\0" not in symbol]
)
def test_the_chart_of_a_symbol_is_in_the_run_directory(
    number: int, run: Path, barsweep: Barsweep
) -> None:
    before = set(run.iterdir())
    called = barsweep("show", run, f"--symbol={SYMBOLS[number]}", "--session", "2024-03-05")
    assert called.status == 0, called.err
    (page,) = set(run.iterdir()) - before
    assert page.name.endswith("-2024-03-05.html") and page.stat().st_size > 10_000
    page.unlink()


def test_exports(hostile: Archive, barsweep: Barsweep, tmp_path: Path) -> None:
    """A CSV has no formula in it, Parquet and JSON have the names as they are."""
    scan = [
        "scan",
        "--where",
        "close > 0",
        "--feature",
        "c=close",
        "--schedule",
        "10:00-10:00/5m",
        "--archive",
        hostile.path,
        "--quiet",
    ]
    for ending in ("parquet", "csv", "json"):
        assert barsweep(*scan, "--out", tmp_path / f"hits.{ending}").status == 0
    hits = pl.read_parquet(tmp_path / "hits.parquet")
    assert set(hits["symbol"]) == set(SYMBOLS)
    assert [hit["symbol"] for hit in json.loads((tmp_path / "hits.json").read_text())] == hits[
        "symbol"
    ].to_list()
    rows = list(csv.DictReader((tmp_path / "hits.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(hits)
    for row, symbol in zip(rows, hits["symbol"], strict=True):
        assert row["symbol"].lstrip("'") == symbol or "\\" in row["symbol"]
        assert row["symbol"][0] not in "=+-@\t\r\n"
        assert float(row["c"]) > 0
    printed = barsweep(*scan, "--format", "csv")
    assert printed.out == (tmp_path / "hits.csv").read_text(encoding="utf-8")
    again = barsweep(*scan, "--format", "csv", "--out", tmp_path / "again.parquet")
    assert again.out.strip() == printed.out.strip()


def on_a_terminal(*arguments: object) -> tuple[int, str]:
    """Exit status and what a terminal is sent."""
    here, there = pty.openpty()
    told: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(here, 1 << 16):
                told.append(chunk)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    command = [sys.executable, "-c", MAIN, *map(str, arguments)]
    status = subprocess.run(
        command, cwd=PROJECT, check=False, stdin=there, stdout=there, stderr=there, env=environment
    ).returncode
    os.close(there)
    reader.join()
    os.close(here)
    return status, b"".join(told).decode()


@pytest.mark.parametrize("name", ["scan", "run", "quality", "evaluate", "show 0"])
def test_on_a_terminal(
    name: str, hostile: Archive, config: Path, run: Path, tmp_path: Path
) -> None:
    status, told = on_a_terminal(*commands(hostile.path, config, run, tmp_path / "runs")[name])
    assert status == 0 and "Traceback" not in told and "MarkupError" not in told, told
    assert (
        "\x1b]" not in told
        and "\x9b" not in told
        and "evil.example" not in told.replace("[LINK=HTTPS://EVIL.EXAMPLE]", "").lower()
    )
    assert not re.search(r"^FORGED", told, re.MULTILINE)
    if name in ("scan", "quality"):
        assert "A[/X]" in told and ":SMILE:" in told
