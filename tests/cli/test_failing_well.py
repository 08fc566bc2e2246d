"""What becomes of a run when the disk, a file, the config or the reader of a pipe fails."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from engine.config.load import load_config
from engine.errors import ConfigError
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT
from tests.running import EVERY_5_MINUTES
from tests.runs.killed_runs import digest

MOMENTUM = {
    "module": "scanners.momentum_scanner",
    "regular_session": EVERY_5_MINUTES,
    "config": {"min_change": 0.0},
}
MAIN = "from engine.cli.main import main; main()"


def write(tmp_path: Path, *scanners: dict[str, Any], **more: Any) -> Path:
    path = tmp_path / "config.json"
    content = {
        "mode": "backtest",
        "session_data_config": {"scanners": list(scanners or [MOMENTUM])},
    } | more
    path.write_text(json.dumps(content))
    return path


def runs(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few symbols, three months."""
    path = tmp_path_factory.mktemp("archives") / "months"
    make_demo(path, symbols=8, sessions=50)
    return path


# -- a session file that cannot be read


def broken(months: Path, tmp_path: Path, *sessions: int) -> tuple[Path, Path, list[str]]:
    """The archive with session files cut in half, and without them; the sessions' dates."""
    cut, without, dates = tmp_path / "cut", tmp_path / "without", []
    shutil.copytree(months, cut)
    shutil.copytree(months, without)
    for number in sessions:
        folder = sorted((cut / "bars/interval=1m").iterdir())[number]
        path = folder / "bars.parquet"
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        shutil.rmtree(without / "bars/interval=1m" / folder.name)
        dates.append(folder.name.removeprefix("date="))
    return cut, without, dates


@pytest.mark.usefixtures("shared_at_once")
@pytest.mark.parametrize(("workers", "sessions"), [(1, (15, 25, 26)), (2, (25,))])
def test_sessions_that_cannot_be_read_are_skipped_as_if_they_were_not_there(
    workers: int, sessions: tuple[int, ...], months: Path, barsweep: Barsweep, tmp_path: Path
) -> None:
    cut, without, dates = broken(months, tmp_path, *sessions)
    config, span = write(tmp_path), ("--start", "2017-11-13")
    skipping = barsweep(
        "run",
        config,
        "--archive",
        cut,
        "--out",
        tmp_path / "a",
        *span,
        "--on-corrupt",
        "skip",
        "--workers",
        workers,
    )
    assert skipping.status == 1
    for date in dates:
        assert (
            f"warning: session {date} was skipped: " in skipping.err
            and "not a readable Parquet file" in skipping.err
        )
    assert "not in the archive" not in skipping.err
    expected = barsweep("run", config, "--archive", without, "--out", tmp_path / "b", *span)
    assert expected.status == 0
    (a,), (b,) = runs(tmp_path / "a"), runs(tmp_path / "b")
    for table in ("scans", "hits", "symbols", "quality"):
        assert (a / f"{table}.parquet").read_bytes() == (b / f"{table}.parquet").read_bytes(), table
    manifest, summary = (
        json.loads((a / f"{name}.json").read_text()) for name in ("manifest", "summary")
    )
    assert manifest["exit_state"] == "failures" and sorted(
        manifest["skipped_sessions"]
    ) == dates == sorted(summary["skipped_sessions"])


def test_a_strategy_trades_on_without_a_session(
    months: Path, barsweep: Barsweep, tmp_path: Path
) -> None:
    cut, without, (date,) = broken(months, tmp_path, 30)
    config = write(
        tmp_path,
        strategies=[{"module": "engine.strategies.vwap_pullback"}],
        backtest_config={"on_corrupt": "skip"},
    )
    assert (
        barsweep("run", config, "--archive", cut, "--out", tmp_path / "a", "--no-report").status
        == 1
    )
    assert (
        barsweep("run", config, "--archive", without, "--out", tmp_path / "b", "--no-report").status
        == 0
    )
    (a,), (b,) = runs(tmp_path / "a"), runs(tmp_path / "b")
    for table in ("hits", "trades", "equity"):
        assert (a / f"{table}.parquet").read_bytes() == (b / f"{table}.parquet").read_bytes(), table
    assert (
        len(pl.read_parquet(a / "trades.parquet")) > 10
        and date in (a / "manifest.json").read_text()
    )


def test_what_reads_a_run_again_passes_over_what_it_skipped(
    months: Path, barsweep: Barsweep, tmp_path: Path
) -> None:
    cut, _, (date,) = broken(months, tmp_path, 30)
    assert (
        barsweep(
            "run",
            write(tmp_path),
            "--archive",
            cut,
            "--start",
            "2017-12-04",
            "--out",
            tmp_path / "runs",
            "--on-corrupt",
            "skip",
        ).status
        == 1
    )
    (run,) = runs(tmp_path / "runs")
    assert date in (run / "manifest.json").read_text()
    audited = barsweep("audit", run, "--ticks", 1, "--quiet")
    assert audited.status == 0 and "none found" in audited.out
    assert barsweep("explain", run, "--symbol", "AAPL", "--at", "2018-01-05 10:00").status == 0
    assert barsweep("evaluate", run, "--quiet").status == 0
    assert barsweep("show", run, "--symbol", "AAPL").status == 0


def test_by_default_the_run_stops(months: Path, barsweep: Barsweep, tmp_path: Path) -> None:
    """So does a scan, unless it is told to skip."""
    cut, _, (date,) = broken(months, tmp_path, 45)
    called = barsweep("run", write(tmp_path), "--archive", cut, "--out", tmp_path / "runs")
    assert (
        called.status == 2
        and f"date={date}" in called.err
        and "not a readable Parquet file" in called.err
    )
    assert not runs(tmp_path / "runs")
    called = barsweep(
        "scan", "--where", "close > prev_close", "--archive", cut, "--on-corrupt", "skip"
    )
    assert called.status == 1 and f"warning: session {date} was skipped" in called.err


# -- a disk that is full


FULL = """
import resource, sys
from pathlib import Path
from engine.archive.archive import Archive
from engine.config.load import load_config
from engine.errors import WriteError
from engine.runs.execute_run import execute_run

def fill(done, total, date):
    if done == int(sys.argv[4]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

try:
    execute_run(load_config(Path(sys.argv[1])), Archive.open(sys.argv[2]), Path(sys.argv[3]), fill, int(sys.argv[5]))
except WriteError as error:
    print(error)
"""  # from a session on no file can grow: writing fails in the system, as on a full disk


@pytest.mark.parametrize(("session", "kept"), [(5, 0), (45, 2)])
def test_a_disk_that_fills_up_is_told_of_and_the_run_is_completed_later(
    session: int, kept: int, months: Path, barsweep: Barsweep, tmp_path: Path
) -> None:
    config, out = write(tmp_path), tmp_path / "runs"
    command = [sys.executable, "-c", FULL, config, months, out, session, 1]
    ran = subprocess.run(
        list(map(str, command)), cwd=PROJECT, check=False, capture_output=True, text=True
    )
    assert (
        "cannot be written: File too large" in ran.stdout
        and ran.returncode == 0
        and "Traceback" not in ran.stderr
    )
    assert len(runs(out)) == (kept > 0)
    if not kept:
        return
    (aside,) = runs(out)
    assert (
        aside.name.endswith(".unfinished")
        and len(list((aside / "blocks").iterdir())) == kept
        and "--resume" in ran.stderr
    )
    shown = barsweep("show", aside, "--symbol", "AAPL")
    assert (
        shown.status == 2 and "is unfinished; complete it: `barsweep run --resume RUN`" in shown.err
    )
    assert barsweep("run", "--resume", aside).status == 0
    assert barsweep("run", config, "--archive", months, "--out", tmp_path / "whole").status == 0
    (run,), (whole,) = runs(out), runs(tmp_path / "whole")
    assert digest(run) == digest(whole)


def test_a_disk_that_is_full_already(months: Path, tmp_path: Path) -> None:
    """And a scan into a file."""
    for command in (
        ["run", write(tmp_path), "--out", tmp_path / "out"],
        ["scan", "scanners.gap_scanner", "--pre-session", "--out", tmp_path / "hits.parquet"],
    ):
        limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); {MAIN}"
        whole = [sys.executable, "-c", limited, *map(str, command), "--archive", str(months)]
        called = subprocess.run(whole, cwd=PROJECT, check=False, capture_output=True, text=True)
        told = (
            "cannot be written: " in called.stderr or "expected room to write" in called.stderr
        )  # compiled code has no room either
        assert called.returncode == 2 and told and "Traceback" not in called.stderr
        assert not runs(tmp_path / "out") and not (tmp_path / "hits.parquet").exists()


# -- signals and pipes


# a thread that nobody tells to end, as one that was being started when Ctrl-C came
WAITING = "import threading; threading.Thread(target=threading.Event().wait).start(); "


def test_ctrl_c_keeps_what_is_done(months: Path, barsweep: Barsweep, tmp_path: Path) -> None:
    slow = {
        "module": "tests.session.rude_scanners:SlowCriteria",
        "regular_session": EVERY_5_MINUTES,
    }
    config = write(tmp_path, MOMENTUM, slow)
    run = subprocess.Popen(
        [
            sys.executable,
            "-c",
            WAITING + MAIN,
            "run",
            config,
            "--archive",
            months,
            "--out",
            tmp_path / "runs",
            "--start",
            "2017-11-28",
        ],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(1200):
        if list((tmp_path / "runs").glob("*/blocks/2017-11-28")):
            break
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert (
        run.returncode == 130
        and "stopped" in said
        and "Traceback" not in said
        and "`barsweep run --resume " in said
    )
    (aside,) = runs(tmp_path / "runs")
    assert sorted(path.name for path in aside.iterdir()) == ["blocks", "lock", "manifest.json"]


@pytest.mark.parametrize("command", ["indicators list", "indicators list --help"])
def test_a_reader_that_has_seen_enough_is_no_failure(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-c", MAIN, *command.split()],
        cwd=PROJECT,
        check=False,
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_what_a_scanner_prints_is_not_among_the_results(
    demo: Archive, barsweep: Barsweep, tmp_path: Path
) -> None:
    prints = {"module": "tests.session.rude_scanners:Prints", "regular_session": EVERY_5_MINUTES}
    called = barsweep(
        "run",
        write(tmp_path, prints),
        "--archive",
        demo.path,
        "--out",
        tmp_path / "runs",
        "--start",
        "2017-11-06",
        "--end",
        "2017-11-06",
        "--format",
        "json",
    )
    assert json.loads(called.out)["sessions"] == 1
    for said in ("printed by Python", "written to the file", "echoed by a process"):
        assert said in called.err


# -- runs that are repeated


def test_a_run_is_repeated_from_its_manifest(
    demo: Archive, barsweep: Barsweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    universe = tmp_path / "universe.txt"
    universe.write_text("AAPL\nMSFT\nNVDA\n")
    beside = MOMENTUM | {
        "config": {"min_change": 0.0, "universe": "universe.txt"}
    }  # found beside the config
    config = write(
        tmp_path, beside, backtest_config={"start_date": "2017-11-06", "end_date": "2017-11-08"}
    )
    assert barsweep("run", config, "--archive", demo.path, "--out", tmp_path / "runs").status == 0
    (first,) = runs(tmp_path / "runs")
    config.unlink()
    monkeypatch.chdir("/")
    again = barsweep("run", "--from", first)
    assert again.status == 0 and "not as in" not in again.err
    (second,) = set(runs(tmp_path / "runs")) - {first}
    assert digest(first) == digest(second)
    same = barsweep("diff", first, second)
    assert same.status == 0 and "the same" in same.out
    universe.write_text("AAPL\nNVDA\n")
    third = barsweep(
        "run",
        "--from",
        first,
        "--out",
        tmp_path / "changed",
        "--set",
        "backtest_config.end_date=2017-11-07",
    )
    assert (
        third.status == 0
        and "not as in" in third.err
        and "universe.txt" in third.err
        and "end_date" not in third.err
    )
    (changed,) = runs(tmp_path / "changed")
    differs = barsweep("diff", first, changed, "--format", "json")
    assert differs.status == 1
    told = json.loads(differs.out)
    assert [line.partition(":")[0] for line in told["changes"]] == [
        "config.backtest_config.end_date",
        "file universe.txt",
    ]
    assert told["first"]["table"] == "quality" and told["first"]["key"] == {
        "session": "2017-11-06",
        "symbol": "MSFT",
    }
    assert told["first"]["only_in"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected one of CONFIG, --from RUN and --resume RUN"),
        (("config.json", "--from", "."), "expected one of CONFIG, --from RUN and --resume RUN"),
        (("--resume", ".", "--start", "2018-01-01"), "--resume takes everything from the run"),
        (("--from", "."), "no run directory"),
        (("--resume", "nowhere"), "no run directory"),
    ],
)
def test_what_to_run_is_one_thing(
    arguments: tuple[str, ...],
    message: str,
    barsweep: Barsweep,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    called = barsweep("run", *arguments)
    assert called.status == 2 and message in called.err


# -- configs of ten megabytes, names of all scripts

SCANNER = {"module": "scanners.momentum_scanner", "pre_session": True}
LARGE: dict[str, tuple[str, str]] = {
    "symbols twice": (json.dumps({"symbols": ["A", "B"] * 600_000}), "named twice: A, B"),
    "numbers": (json.dumps({"symbols": list(range(100_000))}), "and 99,980 more"),
    "keys": (
        json.dumps({f"scaners{i}": 1 for i in range(100_000)}),
        "unknown key 'session_data_config.scaners0', did you mean 'scanners'",
    ),
    "a key": (json.dumps({"scanners" * 1_200_000: 1}), "unknown key"),
    "a value": (json.dumps({"interval": "x" * 10_000_000}), "unknown interval"),
    "scanners": (
        json.dumps({"scanners": [SCANNER | {"name": f"n{i}"} for i in range(100_000)]}),
        "at most 1000 items",
    ),
    "blocks": ("[" * 5_000_000 + "]" * 5_000_000, "blocks within blocks without end"),
    "half a character": (
        '{"scanners": [{"module": "x", "pre_session": true, "config": {"universe": "\\ud800"}}]}',
        "surrogates",
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_wrong_with_a_large_config_is_told_in_short(name: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        f'{{"mode": "backtest", "session_data_config": {LARGE[name][0]}}}'
    )
    with pytest.raises(ConfigError, match=LARGE[name][1]) as told:
        load_config(tmp_path / "config.json")
    assert len(str(told.value)) < 5000


def test_a_large_config_runs(demo: Archive, barsweep: Barsweep, tmp_path: Path) -> None:
    universe = [*demo.symbols(), *(f"SYMBOL{i}" for i in range(700_000))]
    config = write(tmp_path, MOMENTUM | {"config": {"universe": universe}})
    assert config.stat().st_size > 9_000_000
    called = barsweep(
        "run",
        config,
        "--archive",
        demo.path,
        "--out",
        tmp_path / "runs",
        "--start",
        "2017-11-06",
        "--end",
        "2017-11-06",
    )
    assert (
        called.status == 0
        and "700000 of its 700030 symbols are not in the archive" in called.err
        and len(called.err) < 5000
    )


def test_names_of_all_scripts(barsweep: Barsweep, tmp_path: Path) -> None:
    """Symbols, paths, the session's name, scanners, clauses and features, through import, run, report and diff."""
    home = tmp_path / "Übung 研究 🚀"
    home.mkdir()
    symbols = ["ÄÖÜ", "株式", "ΑΘΗΝΑ", "🚀", "A"]
    stamps = pl.datetime_range(
        pl.datetime(2024, 3, 4, 14, 30),
        pl.datetime(2024, 3, 4, 20, 59),
        "1m",
        time_zone="UTC",
        eager=True,
    )
    bars = pl.concat(
        pl.DataFrame({"timestamp": stamps}).with_columns(
            symbol=pl.lit(symbol),
            open=pl.lit(10.0 + i),
            high=pl.lit(11.0 + i),
            low=pl.lit(9.0 + i),
            close=pl.lit(10.5 + i),
            volume=pl.lit(100.0),
        )
        for i, symbol in enumerate(symbols)
    )
    bars.write_parquet(home / "börse.parquet")
    import_bars([home / "börse.parquet"], home / "архив", ImportOptions(label="open"))
    (home / "宇宙.txt").write_text("äöü\n株式\n🚀\n", encoding="utf-8")
    scanner = {
        "module": "scanners.criteria_scanner",
        "name": "поиск 🔎",
        "regular_session": [{"start": "10:00", "end": "11:00", "interval": "1h"}],
        "config": {
            "universe": "宇宙.txt",
            "criteria": {"größer": "close > 5"},
            "features": {"цена": "close"},
        },
    }
    config = home / "конфиг.json"
    content = {
        "session_name": "Ünïcödé 研究/🚀" + "长" * 300,
        "mode": "backtest",
        "archive": "архив",
        "session_data_config": {"symbols": ["αθηνα"], "scanners": [scanner]},
    }
    config.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    for _ in range(2):
        called = barsweep("run", config, "--out", home / "läufe")
        assert called.status == 0, called.err
    one, two = runs(home / "läufe")
    assert one.name.startswith("Ünïcödé-研究-长长") and len(one.name.encode()) < 200
    hits = pl.read_parquet(one / "hits.parquet")
    assert (
        hits["symbol"].to_list() == ["ÄÖÜ", "株式", "🚀"] * 2
        and hits["цена"].to_list() == [10.5, 11.5, 13.5] * 2
    )
    assert pl.read_parquet(one / "scans.parquet")["größer"].to_list() == [3, 3]
    assert barsweep("diff", one, two).status == 0
    assert barsweep("run", "--from", one).status == 0
    assert "поиск" in (one / "manifest.json").read_text(encoding="utf-8")
    assert barsweep("show", one, "--symbol", "株式").status == 0
    assert os.environ.get("PYTHONIOENCODING") is None
