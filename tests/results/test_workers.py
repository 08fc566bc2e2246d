"""Runs that several processes share write the bytes that one writes."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.errors import ScannerError
from engine.progress import silent
from engine.results.batch_scan import scan_archive
from engine.results.blocks import FRAMES, RunBlocks
from engine.results.run import execute_run
from tests.runs import EVERY_5_MINUTES, config, momentum
from tests.trading.runs import config as trading_config

MINUTES = [momentum(min_change=0.01), {"module": "tests.session.wide_scanner", "regular_session": EVERY_5_MINUTES}]
DAYS = [{"module": "tests.session.wide_daily_scanner", "regular_session": [{"at": "close"}], "pre_session": True}]
CASES = {
    "minutes": config(MINUTES, benchmark="AAPL"),
    "days": config(DAYS, interval="1d", benchmark="AAPL"),
}
FAILING = "tests.session.failing_scanners"


@pytest.mark.parametrize("name", CASES)
def test_two_processes_write_the_same_bytes_as_one(name: str, demo: Archive, tmp_path: Path) -> None:
    runs = [execute_run(CASES[name], demo, tmp_path / str(workers), silent, workers) for workers in (1, 2)]
    for table in FRAMES:
        if table != "timings":
            alone, shared = ((run.path / f"{table}.parquet").read_bytes() for run in runs)
            assert alone == shared, table
    assert (runs[0].path / "summary.json").read_bytes() == (runs[1].path / "summary.json").read_bytes()
    assert runs[0].summary.sessions == 45 and runs[0].warnings == runs[1].warnings


def test_any_executor_of_the_standard_interface_fits(demo: Archive) -> None:
    def hits(**more: Any) -> pl.DataFrame:
        return pl.concat([block.hits for block in RunBlocks(CASES["minutes"], demo, silent, **more)], how="diagonal_relaxed")

    with ThreadPoolExecutor(2) as pool:
        assert hits(workers=2, executor=pool).equals(hits(), null_equal=True)


def test_progress_tells_of_every_session_in_order(demo: Archive, tmp_path: Path) -> None:
    told: list[tuple[int, int, dt.date]] = []
    scan = scan_archive(config([momentum()]), demo, tmp_path / "hits.csv", False, lambda *step: told.append(step), 2)
    assert [(done, total) for done, total, _ in told] == [(i, 45) for i in range(1, 46)]
    assert [date for _, _, date in told] == demo.sessions()
    assert scan.summary.sessions == 45 and (tmp_path / "hits.csv").exists()


def test_a_failure_in_another_process_is_told_as_in_one(demo: Archive, tmp_path: Path) -> None:
    def loaded(name: str) -> LoadedConfig:
        return config([{"module": f"{FAILING}:{name}", "regular_session": EVERY_5_MINUTES}])

    with pytest.raises(ScannerError, match="setup failed: ValueError: no licence"):
        execute_run(loaded("SetupRaises"), demo, tmp_path, silent, 2)
    assert not list(tmp_path.iterdir())


def test_what_goes_from_session_to_session_is_not_shared(demo: Archive, tmp_path: Path) -> None:
    by_symbol = config([{"module": f"{FAILING}:Quiet", "regular_session": EVERY_5_MINUTES}], end="2017-11-03")
    for loaded in (by_symbol, trading_config([{"module": "engine.strategies.buy_and_hold"}], symbols=["AAPL"], end="2017-11-03")):
        run = execute_run(loaded, demo, tmp_path, silent, 2)
        assert [warning for warning in run.warnings if warning.startswith("one worker: ")]
