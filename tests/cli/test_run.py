"""`barsweep run`: its results, its exit status, its errors."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from engine.schema import HITS_SCHEMA, QUALITY_SCHEMA, SCANS_SCHEMA, SYMBOL_EVENTS_SCHEMA
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT

TABLES = {
    "scans": SCANS_SCHEMA,
    "hits": HITS_SCHEMA,
    "symbols": SYMBOL_EVENTS_SCHEMA,
    "quality": QUALITY_SCHEMA,
}
MOMENTUM = {
    "module": "scanners.momentum_scanner",
    "regular_session": [{"start": "09:35", "end": "15:55", "interval": "5m"}],
}


def write(tmp_path: Path, *scanners: dict, **more: object) -> Path:
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps({"mode": "backtest", "session_data_config": {"scanners": list(scanners)}} | more)
    )
    return path


def span(start: str = "2017-11-06", end: str = "2017-11-10") -> tuple[str, ...]:
    return "--start", start, "--end", end


def test_a_run_directory_has_every_table(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    called = barsweep(
        "run",
        write(tmp_path, MOMENTUM, session_name="my run!"),
        "--archive",
        demo.path,
        "--out",
        tmp_path / "runs",
        *span(),
    )
    assert called.status == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("my-run-")
    for name, schema in TABLES.items():
        table = pl.read_parquet(run / f"{name}.parquet")
        assert dict(list(table.schema.items())[: len(schema)]) == schema
        assert len(table) > 0
    scans, hits = pl.read_parquet(run / "scans.parquet"), pl.read_parquet(run / "hits.parquet")
    assert scans.columns[len(SCANS_SCHEMA) :] == [
        "price",
        "up_on_the_day",
        "above_vwap",
        "strong_rsi",
        "above_sma",
    ]
    assert hits.columns[len(HITS_SCHEMA) :] == [
        "close",
        "change",
        "vwap_distance",
        "rsi",
        "session_volume",
    ]
    assert (
        len(scans) == 5 * 77 and scans["qualified"].sum() == len(hits) == scans["above_sma"].sum()
    )
    assert scans["promoted"].sum() == hits["promoted"].sum() > 0
    summary, manifest = (
        json.loads((run / f"{name}.json").read_text()) for name in ("summary", "manifest")
    )
    assert summary["hits"] == len(hits) and summary["sessions"] == 5
    assert manifest["exit_state"] == "complete" and manifest["archive_digest"] == demo.digest()
    assert manifest["config_digest"] in run.name and manifest["peak_memory_mb"] > 0


def test_two_runs_give_the_same_bytes(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    for out in ("a", "b"):
        assert (
            barsweep(
                "run",
                PROJECT / "session_configs/demo.json",
                "--archive",
                demo.path,
                "--out",
                tmp_path / out,
                *span(),
            ).status
            == 0
        )
    (one,), (two,) = ((tmp_path / out).iterdir() for out in ("a", "b"))
    for name in [*(f"{table}.parquet" for table in TABLES), "summary.json"]:
        assert (one / name).read_bytes() == (two / name).read_bytes()


CONFIGS = sorted(
    path.name for path in (PROJECT / "session_configs").glob("*.json") if path.name != "us2018.json"
)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_runs(name: str, barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    called = barsweep(
        "run",
        PROJECT / "session_configs" / name,
        "--archive",
        demo.path,
        "--out",
        tmp_path,
        *span("2017-11-22", "2017-11-27"),
    )
    assert called.status == 0, called.err
    assert "sessions" in called.out and "3 (2017-11-22 to 2017-11-27)" in called.out


def test_the_real_config_runs(barsweep: Barsweep, us2018: Archive, tmp_path: Path) -> None:
    called = barsweep(
        "run",
        PROJECT / "session_configs/us2018.json",
        "--archive",
        us2018.path,
        "--out",
        tmp_path,
        "--format",
        "json",
        "--quiet",
    )
    assert called.status == 0 and called.err == ""
    summary = json.loads(called.out)
    assert (summary["sessions"], summary["bars"], summary["failures"]) == (44, 4_793_323, 0)
    assert summary["scanners"]["scanners.gap_scanner"]["scans"] == 44
    assert summary["scanners"]["scanners.hybrid_scanner"]["scans"] == 44 * 26
    assert all(one["hits"] > 100 for one in summary["scanners"].values())


def test_no_scanners_at_all(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"mode": "backtest", "session_data_config": {"symbols": ["AAPL"]}}')
    assert (
        barsweep("run", path, "--archive", demo.path, "--out", tmp_path / "runs", *span()).status
        == 0
    )
    (run,) = (tmp_path / "runs").iterdir()
    assert (
        len(pl.read_parquet(run / "symbols.parquet"))
        == 5
        == len(pl.read_parquet(run / "quality.parquet"))
    )
    assert len(pl.read_parquet(run / "hits.parquet")) == 0


def test_a_failing_scanner_is_exit_status_1_and_the_rest_goes_on(
    barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    failing = {
        "module": "tests.session.failing_scanners:ScanRaises",
        "regular_session": [{"start": "10:00", "end": "15:00", "interval": "1h"}],
    }
    called = barsweep(
        "run",
        write(tmp_path, failing, MOMENTUM),
        "--archive",
        demo.path,
        "--out",
        tmp_path / "runs",
        *span(),
    )
    assert called.status == 1
    assert (
        "third time unlucky" in called.err and "Traceback" in called.err
    )  # the scanner's own, in the log
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "manifest.json").read_text())["exit_state"] == "failures"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.json",), "none.json: no such file"),
        (("CONFIG", "--archive", "nowhere"), "nowhere: no such folder"),
        (("CONFIG", "--start", "2030-01-01"), "no sessions from 2030-01-01"),
        (("CONFIG", "--start", "soon"), "a date such as 2018-03-01"),
        (
            ("CONFIG", "--start", "2017-12-01", "--end", "2017-11-01"),
            "--start 2017-12-01 is after --end 2017-11-01",
        ),
        (("CONFIG", "--set", "exchange=XNYX"), "did you mean 'XNYS'"),
        (("CONFIG", "--set", "exchange=XLON"), "expected XNYS"),
        (("CONFIG", "--universe", "none.txt"), "no such file or folder: none.txt"),
        (
            ("CONFIG", "--set", 'session_data_config.indicators=[{"name":"smaa"}]'),
            "did you mean 'sma'",
        ),
        (("CONFIG", "--set", 'session_data_config.streams=["90s"]'), "unknown interval"),
        (
            ("CONFIG", "--set", "session_data_config.scanners.0.module=scanners.momentum"),
            "no module 'scanners.momentum'",
        ),
        (
            ("CONFIG", "--set", "session_data_config.scanners.0.regular_session.0.start=08:00"),
            "outside the session",
        ),
    ],
)
def test_a_mistake_is_one_message_exit_status_2_and_nothing_written(
    arguments: tuple[str, ...], message: str, barsweep: Barsweep, demo: Archive, tmp_path: Path
) -> None:
    config = write(tmp_path, MOMENTUM)
    given = [str(config) if a == "CONFIG" else a for a in arguments]
    given += [] if "--archive" in given else ["--archive", str(demo.path)]
    called = barsweep("run", *given, "--out", tmp_path / "runs")
    assert called.status == 2
    assert message in called.err and "Traceback" not in called.err
    assert called.out == ""
    assert not list((tmp_path / "runs").glob("*")) if (tmp_path / "runs").exists() else True


def test_a_corrupt_session_in_the_middle_leaves_nothing_behind(
    barsweep: Barsweep, tmp_path: Path
) -> None:
    make_demo(tmp_path / "demo", symbols=8, sessions=6)
    broken = sorted((tmp_path / "demo/bars/interval=1m").iterdir())[3] / "bars.parquet"
    broken.write_bytes(b"PAR1")
    called = barsweep(
        "run", write(tmp_path, MOMENTUM), "--archive", tmp_path / "demo", "--out", tmp_path / "runs"
    )
    assert called.status == 2 and str(broken) in called.err and "Traceback" not in called.err
    assert not list((tmp_path / "runs").iterdir())


def test_a_log_tells_the_phases(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    called = barsweep(
        "run",
        write(tmp_path, MOMENTUM),
        "--archive",
        demo.path,
        "--out",
        tmp_path / "runs",
        *span(end="2017-11-06"),
        "--log-level",
        "info",
    )
    assert (
        "[SCANNER_MANAGER] Next scan for scanners.momentum_scanner: 2017-11-06 09:35:00"
        in called.err
    )
    phases = [
        line.split("phase ")[1].split(":")[0]
        for line in called.err.splitlines()
        if "[SESSION_COORDINATOR]" in line and "phase" in line
    ]
    assert phases == ["1", "2", "2.5", "3", "4", "5", "6"]
