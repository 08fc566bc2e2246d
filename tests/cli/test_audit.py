"""`barsweep audit`, and what `barsweep run` says of it."""

from __future__ import annotations

import json
from pathlib import Path

from engine.archive.archive import Archive
from tests.cli.barsweep import Barsweep
from tests.running import write_config

SCHEDULE = (
    "--schedule",
    "09:45-15:45/30m",
    "--start",
    "2017-12-04",
    "--end",
    "2017-12-08",
    "--ticks",
    1,
)
LEAK = "tests.audit.leaks:NegativeShift"


def test_an_honest_expression_passes(barsweep: Barsweep, demo: Archive) -> None:
    called = barsweep(
        "audit", "--where", "close > sma_20 and rsi_14_5m > 50", "--archive", demo.path, *SCHEDULE
    )
    assert (called.status, "look-ahead  none found" in called.out) == (0, True)
    assert "0 of 2 indicators" in called.out or "of 2 indicators move" in called.out
    assert "replays 2/2" in called.err


def test_a_leak_is_named_with_exit_status_1(barsweep: Barsweep, demo: Archive) -> None:
    called = barsweep("audit", LEAK, "--archive", demo.path, *SCHEDULE, "--no-warm-up", "--quiet")
    assert (called.status, called.err) == (1, "")
    assert f"clause\t{LEAK}\twill_rise\t" in called.out
    assert "column\t-\tnegative_shift_1_1m\t" in called.out


def test_json_has_all_of_it_and_the_seed_decides(barsweep: Barsweep, demo: Archive) -> None:
    ask = (
        "audit",
        LEAK,
        "--archive",
        demo.path,
        *SCHEDULE,
        "--format",
        "json",
        "--quiet",
        "--seed",
    )
    first, again, other = (json.loads(barsweep(*ask, seed).out) for seed in (1, 1, 2))
    assert first == again != other
    assert first["options"] == {"ticks": 1, "sessions": 1, "before": 3, "seed": 1}
    column = next(one for one in first["differences"] if one["what"] == "column")
    assert (
        column["name"] == "negative_shift_1_1m"
        and column["symbol"] in demo.symbols()
        and column["count"] > 0
    )
    assert {one["indicator"] for one in first["warm_up"]["indicators"]} == {"negative_shift_1_1m"}


def test_a_config_and_a_run_are_audited(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    scanner = {
        "module": "scanners.momentum_scanner",
        "regular_session": [{"start": "09:45", "end": "15:45", "interval": "30m"}],
    }
    content = {
        "mode": "backtest",
        "archive": str(demo.path),
        "session_data_config": {"scanners": [scanner]},
    }
    path = write_config(tmp_path / "config.json", content)
    span = ("--start", "2017-12-04", "--end", "2017-12-08")
    called = barsweep(
        "audit",
        path,
        *span,
        "--universe",
        "all",
        "--set",
        'session_data_config.symbols=["AAPL"]',
        "--ticks",
        1,
    )
    assert (called.status, "none found" in called.out) == (0, True)
    ran = json.loads(
        barsweep("run", path, *span, "--out", tmp_path / "runs", "--format", "json", "--quiet").out
    )
    assert barsweep("audit", ran["run"], "--ticks", 1, "--no-warm-up").status == 0


def test_mistakes_are_told_in_a_line(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    path = write_config(tmp_path / "config.json", {"mode": "backtest", "session_data_config": {}})
    for arguments, said in (
        ((LEAK,), "--archive"),
        ((path, "--archive", demo.path, "--where", "close > 1"), "--where with a config"),
        ((path, "--archive", demo.path), "nobody looks"),
        ((tmp_path / "none.json",), "no such file"),
        ((tmp_path / "no-run",), "no such run directory or config"),
    ):
        called = barsweep("audit", *arguments, "--quiet")
        assert called.status == 2 and said in called.err and "Traceback" not in called.err


def test_a_scanner_that_fails_is_not_passed(barsweep: Barsweep, demo: Archive) -> None:
    called = barsweep(
        "audit",
        "tests.session.failing_scanners:ScanRaises",
        "--archive",
        demo.path,
        *SCHEDULE,
        "--no-warm-up",
    )
    assert called.status == 1
    assert (
        "failed, so not audited: tests.session.failing_scanners:ScanRaises: ZeroDivisionError"
        in called.err
    )


def test_a_run_says_that_it_looked(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    scanner = {
        "module": LEAK,
        "regular_session": [{"start": "09:45", "end": "15:45", "interval": "30m"}],
    }
    path = write_config(
        tmp_path / "config.json",
        {"mode": "backtest", "session_data_config": {"scanners": [scanner]}},
    )
    ask = ("run", path, "--archive", demo.path, "--out", tmp_path / "runs")
    found, without = barsweep(*ask), barsweep(*ask, "--no-audit")
    assert (found.status, without.status) == (1, 0)
    assert "look-ahead  FOUND at 2 random ticks" in found.out and "look-ahead" not in without.out
    assert "warning: look-ahead: column negative_shift_1_1m" in found.err
    one, two = (
        json.loads(barsweep(*ask, "--audit-seed", seed, "--format", "json").out)["audit"]
        for seed in (1, 2)
    )
    assert (one["seed"], two["seed"]) == (1, 2) and one["ticks"] != two["ticks"]
