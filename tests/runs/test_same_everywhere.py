"""One run, many ways to come to it: the tables are the same bytes in all of them."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from engine.archive.archive import Archive
from engine.config.load import LoadedConfig
from engine.progress import silent
from engine.runs.execute_run import FinishedRun, execute_run
from tests.data import PROJECT
from tests.running import EVERY_5_MINUTES, config, momentum
from tests.runs.killed_runs import digest

START, END = "2017-11-13", "2017-12-13"
SYMBOLS = ["AAPL", "MSFT", "NVDA", "AMZN", "TSLA", "AMD", "INTC", "QCOM"]


def loaded(universe: Path, start: str = START, end: str = END, daily: bool = False) -> LoadedConfig:
    """Three kinds of scanners over minutes, or one over days: recursive indicators, ranks, a rank over the tick's symbols."""
    if daily:
        wide = {
            "module": "tests.session.wide_daily_scanner",
            "regular_session": [{"at": "close"}],
            "pre_session": True,
        }
        return config(
            [wide], start=start, end=end, interval="1d", benchmark="AAPL", symbols=["MSFT"]
        )
    scanners = [
        momentum(min_change=0.0, min_rsi=50.0, universe=str(universe)),
        {"module": "tests.session.wide_scanner", "regular_session": EVERY_5_MINUTES},
        {"module": "scanners.gap_scanner", "pre_session": True, "config": {"min_gap": 0.001}},
    ]
    return config(
        scanners, start=start, end=end, benchmark="AAPL", symbols=["MSFT"], extended_hours=True
    )


@pytest.fixture(scope="module")
def universe(tmp_path_factory: pytest.TempPathFactory, demo: Archive) -> Path:
    path = tmp_path_factory.mktemp("universe") / "universe.txt"
    path.write_text("\n".join(demo.symbols()))
    return path


@pytest.fixture(scope="module", params=[False, True], ids=["minutes", "days"])
def plain(
    request: pytest.FixtureRequest,
    demo: Archive,
    universe: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[bool, FinishedRun]:
    run = execute_run(
        loaded(universe, daily=request.param), demo, tmp_path_factory.mktemp("plain"), silent
    )
    assert len(pl.read_parquet(run.path / "hits.parquet")) > 300
    return request.param, run


def test_the_order_of_the_universe_file(
    plain: tuple[bool, FinishedRun], demo: Archive, universe: Path, tmp_path: Path
) -> None:
    """And repetitions, comments, small letters."""
    lines = universe.read_text().splitlines()
    random.Random(3).shuffle(lines)
    shuffled = tmp_path / "universe.txt"
    shuffled.write_text(
        "# a universe\n" + "\n".join([*lines, lines[0], f"{lines[1].lower()}  # twice", ""])
    )
    assert digest(
        execute_run(loaded(shuffled, daily=plain[0]), demo, tmp_path, silent).path
    ) == digest(plain[1].path)


@pytest.mark.parametrize(
    "plain", [False], ids=["minutes"], indirect=True
)  # test_workers.py has days
@pytest.mark.usefixtures("shared_at_once")
def test_the_number_of_workers(
    plain: tuple[bool, FinishedRun], demo: Archive, universe: Path, tmp_path: Path
) -> None:
    assert digest(execute_run(loaded(universe), demo, tmp_path, silent, 3).path) == digest(
        plain[1].path
    )


@pytest.mark.parametrize(
    ("plain", "threads"), [(False, 1), (False, 5), (True, 5)], indirect=["plain"]
)
def test_the_number_of_threads(
    threads: int, plain: tuple[bool, FinishedRun], demo: Archive, universe: Path, tmp_path: Path
) -> None:
    """Ours, and those of Polars and numba."""
    content = loaded(universe, daily=plain[0]).config.model_dump(mode="json")
    (tmp_path / "config.json").write_text(json.dumps(content))
    code = "from engine.cli.main import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "run",
        tmp_path / "config.json",
        "--archive",
        demo.path,
        "--out",
        tmp_path / "runs",
        "--quiet",
    ]
    many = {
        name: str(threads)
        for name in ("BARSWEEP_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS")
    }
    subprocess.run(
        list(map(str, command)), env=os.environ | many, cwd=PROJECT, check=True, capture_output=True
    )
    (run,) = (tmp_path / "runs").iterdir()
    assert digest(run) == digest(plain[1].path)


CHUNKS: dict[str, tuple[str, int | float]] = {
    "symbols in chunks of 7": ("engine.panel.passes.SYMBOLS_A_CHUNK", 7),
    "all symbols at once": ("engine.panel.passes.SYMBOLS_A_CHUNK", 1 << 30),
    "passes shared by threads": ("engine.scan.filter_grid.MANY_ROWS", 10),
    "rows picked out at once": ("engine.scan.clause_evaluation.PICK_BELOW", 2.0),
    "rows never picked out": ("engine.scan.clause_evaluation.PICK_BELOW", 0.0),
    "stretches of a few days": ("engine.scan.replay.CELLS", 100),
    "one session read ahead": ("engine.panel.loader.AHEAD", 0),
    "parts of one block": ("engine.runs.run_blocks.LONGEST_PART", 1),
}


@pytest.mark.parametrize("chunk", CHUNKS)
def test_how_much_is_done_at_once(
    chunk: str,
    plain: tuple[bool, FinishedRun],
    demo: Archive,
    universe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What memory is spent on: chunks of symbols, of rows, of sessions."""
    monkeypatch.setattr(*CHUNKS[chunk])
    monkeypatch.setattr("engine.panel.passes.FEWEST_A_CHUNK", 1)
    assert digest(
        execute_run(loaded(universe, daily=plain[0]), demo, tmp_path, silent).path
    ) == digest(plain[1].path)


def by_pyarrow(path: Path) -> None:
    """Small row groups, no dictionaries, other compression, no word of which rows are whose."""
    pq.write_table(
        pq.read_table(path).replace_schema_metadata(None),
        path,
        row_group_size=777,
        compression="gzip",
        use_dictionary=False,
    )


def by_polars(path: Path) -> None:
    """Uncompressed, columns in another order and one more."""
    frame = pl.read_parquet(path, hive_partitioning=False)
    frame.select(*reversed(frame.columns), remark=pl.lit("x")).write_parquet(
        path, compression="uncompressed", row_group_size=5000
    )


def by_duckdb(path: Path) -> None:
    """What DuckDB makes of it."""
    duckdb = pytest.importorskip("duckdb")
    duckdb.sql("SET TimeZone = 'UTC'")
    duckdb.sql(
        f"COPY (SELECT * FROM read_parquet('{path}', hive_partitioning=false)) TO '{path}.new' (FORMAT parquet, COMPRESSION snappy)"
    )
    Path(f"{path}.new").replace(path)


@pytest.mark.parametrize("rewrite", [by_pyarrow, by_polars, by_duckdb])
def test_the_layout_of_the_files(
    rewrite: Callable[[Path], None],
    plain: tuple[bool, FinishedRun],
    demo: Archive,
    universe: Path,
    tmp_path: Path,
) -> None:
    shutil.copytree(demo.path, tmp_path / "archive")
    for path in (tmp_path / "archive").rglob("bars.parquet"):
        rewrite(path)
    other = Archive.open(tmp_path / "archive")
    assert other.digest() != demo.digest()
    assert digest(
        execute_run(loaded(universe, daily=plain[0]), other, tmp_path / "runs", silent).path
    ) == digest(plain[1].path)


@pytest.mark.parametrize("start", ["2017-11-27", "2017-12-01", "2017-12-07"])
def test_the_start_date(
    start: str, plain: tuple[bool, FinishedRun], demo: Archive, universe: Path, tmp_path: Path
) -> None:
    """The sessions that both have, but for which hit promoted a symbol first: all rows and features to the last bit."""
    later = execute_run(loaded(universe, start=start, daily=plain[0]), demo, tmp_path, silent)
    for table in ("hits", "scans", "symbols", "quality"):
        whole, part = (pl.read_parquet(run.path / f"{table}.parquet") for run in (plain[1], later))
        assert part.equals(
            whole.filter(pl.col("session") >= dt.date.fromisoformat(start)).select(part.columns)
        ), table
