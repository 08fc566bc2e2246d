"""Runs that were stopped come to the same bytes when they are taken up again."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from engine.config.load import LoadedConfig
from engine.errors import RunError
from engine.progress import silent
from engine.runs.execute_run import execute_run, resume_run
from tests.data import PROJECT
from tests.running import EVERY_5_MINUTES, config, momentum
from tests.runs.killed_runs import digest
from tests.trading.runs import config as trading_config

KILLS = 50
SCANS = [momentum(min_change=0.0, min_rsi=50.0)]


class Stopped(BaseException):
    """What a signal raises, to Python."""


def stop_at(session: int) -> Callable[[int, int, dt.date], None]:
    def progress(done: int, total: int, date: dt.date) -> None:
        if done == session:
            raise Stopped

    return progress


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Few symbols, four months."""
    path = tmp_path_factory.mktemp("archives") / "months"
    make_demo(path, symbols=8, sessions=66)
    return Archive.open(path)


def test_fifty_random_moments_of_death(months: Archive, tmp_path: Path) -> None:
    """Whenever a run is killed there is nothing, a directory marked unfinished, or the whole; and in the end the same bytes."""
    command = [
        sys.executable,
        "-m",
        "tests.runs.killed_runs",
        months.path,
        tmp_path,
        KILLS,
        int(time.time()),
    ]
    ran = subprocess.run(
        list(map(str, command)), cwd=PROJECT, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, f"seed {command[-1]}: {ran.stderr}"
    told = json.loads(ran.stdout)
    assert len(told["states"]) >= KILLS and told["resumed"] >= 5, told
    assert {*told["ends"]} == {told["whole"]}, told
    assert any(
        state.startswith("unfinished") and not state.endswith(" 0 blocks")
        for state in told["states"]
    ), told


@pytest.mark.usefixtures("shared_at_once")
@pytest.mark.parametrize("workers", [1, 2])
def test_blocks_that_are_done_are_not_computed_again(
    workers: int, months: Archive, tmp_path: Path
) -> None:
    whole = execute_run(config(SCANS), months, tmp_path / "whole", silent)
    with pytest.raises(Stopped):
        execute_run(config(SCANS), months, tmp_path / "out", stop_at(45), 1)
    (left,) = (tmp_path / "out").iterdir()
    assert left.name.endswith(".unfinished") and sorted(path.name for path in left.iterdir()) == [
        "blocks",
        "lock",
        "manifest.json",
    ]
    blocks = {path: path.stat().st_mtime_ns for path in (left / "blocks").iterdir()}
    assert [path.name[:7] for path in sorted(blocks)] == ["2017-11", "2017-12"]
    first_told: list[dt.date] = []
    with pytest.raises(Stopped):  # and once more
        resume_run(
            left,
            None,
            lambda done, total, date: (first_told.append(date), stop_at(60)(done, total, date)),
            workers,
        )  # type: ignore[arg-type,return-value]
    assert {path: path.stat().st_mtime_ns for path in blocks} == blocks
    run = resume_run(left.with_name(left.name.removesuffix(".unfinished")), None, silent, workers)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [run.path.name]
    assert digest(run.path) == digest(whole.path)
    assert run.summary.as_dict(run.warnings) == whole.summary.as_dict(whole.warnings)
    assert len(json.loads((run.path / "manifest.json").read_text())["resumed"]) == 2


def test_a_block_that_the_disk_has_not_kept_is_computed_again(
    months: Archive, tmp_path: Path
) -> None:
    whole = execute_run(config(SCANS), months, tmp_path / "whole", silent)
    with pytest.raises(Stopped):
        execute_run(config(SCANS), months, tmp_path / "out", stop_at(64))
    (left,) = (tmp_path / "out").iterdir()
    hits = sorted((left / "blocks").iterdir())[1] / "hits.arrow"
    content = bytearray(hits.read_bytes())
    content[len(content) // 2] ^= 1
    hits.write_bytes(content)
    assert digest(resume_run(left, None, silent).path) == digest(whole.path)


STRATEGY: list[dict[str, Any]] = [{"module": "engine.strategies.buy_and_hold"}]


@pytest.mark.parametrize(
    "loaded",
    [
        trading_config(STRATEGY, symbols=["AAPL"]),
        config(
            [
                {
                    "module": "tests.session.failing_scanners:ScanRaises",
                    "regular_session": EVERY_5_MINUTES[:1],
                }
            ],
            end="2018-01-05",
        ),
        config(
            [
                {
                    "module": "tests.session.columnar_failures:SetupFailsLater",
                    "regular_session": EVERY_5_MINUTES,
                }
            ],
            end="2018-01-05",
        ),
    ],
    ids=["strategy", "symbol by symbol", "sessions are counted"],
)
def test_what_goes_from_session_to_session_begins_anew(
    loaded: LoadedConfig, months: Archive, tmp_path: Path
) -> None:
    whole = execute_run(loaded, months, tmp_path / "whole", silent)

    def copy(done: int, total: int, date: dt.date) -> None:
        """What is on the disk at this moment is what a kill would leave."""
        if done == 40:
            (aside,) = (tmp_path / "running").iterdir()
            shutil.copytree(aside, tmp_path / "out" / aside.name)

    execute_run(loaded, months, tmp_path / "running", copy)
    (left,) = (tmp_path / "out").iterdir()
    assert left.name.endswith(".unfinished")
    assert digest(resume_run(left, None, silent).path) == digest(whole.path)


def test_what_has_changed_is_named_and_nothing_is_lost(months: Archive, tmp_path: Path) -> None:
    universe = tmp_path / "universe.txt"
    universe.write_text("AAPL\nMSFT\n")
    with pytest.raises(Stopped):
        execute_run(
            config([momentum(universe=str(universe))]), months, tmp_path / "out", stop_at(45)
        )
    (left,) = (tmp_path / "out").iterdir()
    universe.write_text("AAPL\n")
    with pytest.raises(
        RunError, match=r"has changed:\s+file .*universe.txt: [0-9a-f]{16}, now [0-9a-f]{16}"
    ):
        resume_run(left, None, silent)
    universe.write_text("AAPL\nMSFT\n")
    assert resume_run(left, None, silent).summary.sessions == 66


def test_a_run_that_goes_on_is_not_resumed_beside_it(months: Archive, tmp_path: Path) -> None:
    def beside(done: int, total: int, date: dt.date) -> None:
        if done == 40:
            (aside,) = (tmp_path / "out").iterdir()
            code = f"from pathlib import Path; from engine.runs.execute_run import resume_run; resume_run(Path({str(aside)!r}), None, print)"
            other = subprocess.run(
                [sys.executable, "-c", code],
                cwd=PROJECT,
                check=False,
                capture_output=True,
                text=True,
            )
            assert "is still being written by another process" in other.stderr

    assert execute_run(config(SCANS), months, tmp_path / "out", beside).summary.sessions == 66


@pytest.mark.parametrize(
    ("sent", "at_work", "to_all"),
    [
        (signal.SIGKILL, True, False),
        (signal.SIGINT, False, True),
        (signal.SIGINT, True, True),
        (signal.SIGINT, True, False),
    ],
)
def test_workers_end_with_the_run(
    sent: signal.Signals, at_work: bool, to_all: bool, months: Archive, tmp_path: Path
) -> None:
    """Killed, or stopped while a worker begins or is at work, by Ctrl-C, which all processes hear; at once, and without a word."""
    content = json.dumps(
        {
            "mode": "backtest",
            "session_data_config": {
                "scanners": [
                    {
                        "module": "tests.session.rude_scanners:SlowCriteria",
                        "regular_session": EVERY_5_MINUTES,
                    }
                ]
            },
        }
    )
    (tmp_path / "config.json").write_text(content)
    command = [
        "run",
        tmp_path / "config.json",
        "--archive",
        months.path,
        "--out",
        tmp_path / "out",
        "--workers",
        "2",
        "--quiet",
    ]
    run = subprocess.Popen(
        [sys.executable, "-c", "from engine.cli.main import main; main()", *map(str, command)],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        workers: list[int] = []
        for _ in range(1200):
            workers = [pid for pid in _children(run.pid) if "spawn_main" in _command(pid)]
            if workers and (not at_work or list((tmp_path / "out").glob("*.unfinished/parts/*/*"))):
                break
            time.sleep(0.05)
        assert workers
        time.sleep(0.3)  # Python has started, and imports
        (os.killpg if to_all else os.kill)(
            run.pid, sent
        )  # a session's first process leads its group
        told = run.communicate(timeout=12)[1]  # a part takes longer
    finally:
        run.kill()
    for _ in range(600):
        if not any(_command(pid) for pid in workers):
            break
        time.sleep(0.05)
    assert not any(_command(pid) for pid in workers)
    if sent == signal.SIGINT:
        assert (run.returncode, told.strip()) == (130, "stopped")


def _children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*")
        for child in (task / "children").read_text().split()
    ]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
