"""Runs that several processes share write the bytes that one writes."""

from __future__ import annotations

import datetime as dt
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.ingest.demo import make_demo
from engine.config.load import LoadedConfig
from engine.errors import ScannerError, SessionFileError
from engine.progress import silent
from engine.runs.batch_scan import scan_archive
from engine.runs.execute_run import execute_run
from engine.runs.pace import Pace
from engine.runs.run_blocks import FRAMES, RunBlocks, share_out
from engine.runs.workers import compute_blocks
from tests.running import EVERY_5_MINUTES, config, momentum
from tests.trading.runs import config as trading_config

MINUTES = [
    momentum(min_change=0.01),
    {"module": "tests.session.wide_scanner", "regular_session": EVERY_5_MINUTES},
]
DAYS = [
    {
        "module": "tests.session.wide_daily_scanner",
        "regular_session": [{"at": "close"}],
        "pre_session": True,
    }
]
CASES = {
    "minutes": config(MINUTES, benchmark="AAPL"),
    "days": config(DAYS, interval="1d", benchmark="AAPL"),
}
FAILING = "tests.session.failing_scanners"


SHARED = pytest.mark.usefixtures("shared_at_once")


@SHARED
@pytest.mark.parametrize("name", CASES)
def test_two_processes_write_the_same_bytes_as_one(
    name: str, demo: Archive, tmp_path: Path
) -> None:
    runs = [
        execute_run(CASES[name], demo, tmp_path / str(workers), silent, workers)
        for workers in (1, 2)
    ]
    for table in FRAMES:
        if table != "timings":
            alone, shared = ((run.path / f"{table}.parquet").read_bytes() for run in runs)
            assert alone == shared, table
    assert (runs[0].path / "summary.json").read_bytes() == (
        runs[1].path / "summary.json"
    ).read_bytes()
    assert [json.loads((run.path / "manifest.json").read_text())["workers"] for run in runs] == [
        1,
        2,
    ]
    assert runs[0].summary.sessions == 45 and runs[0].warnings == runs[1].warnings


def test_any_executor_of_the_standard_interface_fits(demo: Archive) -> None:
    def hits(**more: Any) -> pl.DataFrame:
        return pl.concat(
            [block.hits for block in RunBlocks(CASES["minutes"], demo, silent, **more)],
            how="diagonal_relaxed",
        )

    with ThreadPoolExecutor(2) as pool:
        assert hits(workers=2, executor=pool).equals(hits(), null_equal=True)


@SHARED
def test_a_run_that_others_would_not_shorten_stays_in_one_process(
    demo: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "engine.runs.run_blocks.WORTH_SHARING", 3600.0
    )  # seconds: more than a slow machine takes
    run = execute_run(config([momentum()]), demo, tmp_path, silent, 2)
    assert json.loads((run.path / "manifest.json").read_text())["workers"] == 1 and not run.warnings


@pytest.mark.parametrize(
    ("cores", "busy", "workers", "saved"),
    [
        (2, 1.0, 2, 50.0),
        (2, 1.75, 2, 12.5),
        (2, 2.0, 2, 0.0),
        (2, 1.0, 8, 50.0),
        (8, 2.0, 2, 50.0),
        (8, 2.0, 8, 75.0),
        (1, 1.0, 2, 0.0),
    ],
)
def test_workers_save_what_one_process_leaves_idle(
    cores: int, busy: float, workers: int, saved: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 1,000 sessions at ten a second, which take one process 100 seconds."""
    monkeypatch.setattr("engine.runs.pace.cores", lambda: cores)
    assert Pace(10.0, busy).saved(1000, workers) == pytest.approx(saved)


@pytest.mark.parametrize(
    ("workers", "ahead", "lengths"),
    [
        (2, 0.0, [6, 6]),
        (2, 24.0, [7, 5]),
        (2, 300.0, [12]),
        (3, 0.0, [4, 4, 4]),
        (5, 0.0, [2, 3, 2, 3, 2]),
        (20, 0.0, [1] * 12),
    ],
)
def test_a_run_is_shared_by_whole_months(workers: int, ahead: float, lengths: list[int]) -> None:
    dates = [dt.date(2018, month, day) for month in range(1, 13) for day in range(1, 22)]
    parts = share_out(dates, False, workers, ahead)
    assert [date for part in parts for date in part] == dates
    assert [len(part) / 21 for part in parts] == lengths


def test_long_runs_are_shared_a_year_at_a_time() -> None:
    dates = [dt.date(year, month, 1) for year in range(2000, 2010) for month in range(1, 13)]
    assert [len(part) for part in share_out(dates, False, 2, 0.0)] == [12] * 10


def test_no_more_processes_than_keep_the_cores_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.runs.pace.cores", lambda: 8)
    assert [Pace(10.0, busy).enough for busy in (0.5, 1.0, 1.75, 8.0, 8.1)] == [16, 8, 5, 1, 1]


def test_an_executor_that_is_given_is_done_when_a_run_is_left(
    demo: Archive, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(2) as pool:
        blocks = iter(
            RunBlocks(CASES["minutes"], demo, silent, workers=2, executor=pool, aside=tmp_path)
        )
        next(blocks)
        assert len(list(tmp_path.iterdir())) == 1
        blocks.close()  # type: ignore[attr-defined]
        assert not list(tmp_path.iterdir())


def test_blocks_before_one_that_fails_are_handed_over(tmp_path: Path) -> None:
    make_demo(tmp_path / "cut", symbols=8, sessions=45)
    cut = Archive.open(tmp_path / "cut")
    layout.session_file(cut.path, "1m", cut.sessions()[-1]).write_bytes(b"cut")
    content = config([momentum()]).config.model_dump(mode="json")
    blocks, error = compute_blocks(
        content, "a.json", cut, cut.sessions(), str(tmp_path / "parts"), ["hits"]
    )
    assert [len(block.dates) for block in blocks] == [21, 20] and isinstance(
        error, SessionFileError
    )


@SHARED
def test_the_environment_is_as_it_was_while_workers_are_at_it(demo: Archive) -> None:
    before = dict(os.environ)
    for _ in RunBlocks(CASES["minutes"], demo, silent, workers=2):
        assert dict(os.environ) == before


@SHARED
def test_progress_tells_of_every_session_in_order(demo: Archive, tmp_path: Path) -> None:
    told: list[tuple[int, int, dt.date]] = []
    scan = scan_archive(
        config([momentum()]), demo, tmp_path / "hits.csv", False, lambda *step: told.append(step), 2
    )
    assert [(done, total) for done, total, _ in told] == [(i, 45) for i in range(1, 46)]
    assert [date for _, _, date in told] == demo.sessions()
    assert scan.summary.sessions == 45 and (tmp_path / "hits.csv").exists()


@SHARED
def test_a_failure_in_another_process_is_told_as_in_one(demo: Archive, tmp_path: Path) -> None:
    def loaded(name: str) -> LoadedConfig:
        return config([{"module": f"{FAILING}:{name}", "regular_session": EVERY_5_MINUTES}])

    with pytest.raises(ScannerError, match="setup failed: ValueError: no licence"):
        execute_run(loaded("SetupRaises"), demo, tmp_path, silent, 2)
    assert not list(tmp_path.iterdir())


@SHARED
def test_what_goes_from_session_to_session_is_not_shared(demo: Archive, tmp_path: Path) -> None:
    by_symbol = config(
        [{"module": f"{FAILING}:Quiet", "regular_session": EVERY_5_MINUTES}], end="2017-11-03"
    )
    for loaded in (
        by_symbol,
        trading_config(
            [{"module": "engine.strategies.buy_and_hold"}], symbols=["AAPL"], end="2017-11-03"
        ),
    ):
        run = execute_run(loaded, demo, tmp_path, silent, 2)
        assert [warning for warning in run.warnings if warning.startswith("one worker: ")]


@SHARED
@pytest.mark.parametrize(
    "name",
    [
        "SetupFailsLater",
        "SetupWrapped",
        "OtherEveryDay",
        "OtherOneEveryDay",
        "MembersFail",
        "TeardownFails",
    ],
)
def test_nor_is_what_a_scanner_of_columns_may_remember(
    name: str, demo: Archive, tmp_path: Path
) -> None:
    loaded = config(
        [{"module": f"tests.session.columnar_failures:{name}", "regular_session": EVERY_5_MINUTES}]
    )
    run = execute_run(loaded, demo, tmp_path, silent, 2)
    assert [warning for warning in run.warnings if warning.startswith("one worker: ")]
    assert json.loads((run.path / "manifest.json").read_text())["workers"] == 1
