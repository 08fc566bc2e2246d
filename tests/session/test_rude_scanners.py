"""What a scanner cannot do to the run, nor to other scanners."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.errors import ConfigError, ScannerError, StoppedError
from engine.progress import silent
from engine.runs.execute_run import execute_run
from engine.session.coordinator import SessionCoordinator
from tests.data import PROJECT
from tests.running import config, momentum, tables

RUDE = "tests.session.rude_scanners"
HOURLY = [{"start": "10:00", "end": "15:00", "interval": "1h"}]
SPAN = {"start": "2017-11-06", "end": "2017-11-07"}


def rude(name: str, **settings: Any) -> dict[str, Any]:
    return {"module": f"{RUDE}:{name}", "regular_session": HOURLY, "config": settings}


@pytest.fixture(scope="module")
def polite(demo: Archive) -> dict[str, pl.DataFrame]:
    """What the other scanner comes to when it is alone with one that does nothing."""
    return others(tables(config([rude("Scans"), momentum(min_change=0.0)], **SPAN), demo))


def others(found: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The rows of the other scanner, where a table tells of scanners."""
    own = pl.col("scanner") == "scanners.momentum_scanner"
    return {
        name: found[name].filter(own).drop("score", "flag", strict=False)
        for name in ("scans", "hits")
    } | {"quality": found["quality"]}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Hangs", "took longer than 0.2 s; expected no more than scan_time_limit"),
        ("Exits", "SystemExit: 0"),
        ("Forks", None),
        ("ForksAndRaises", None),
        ("ChangesGlobals", None),
        ("Mutates", None),
    ],
)
def test_the_others_go_on_as_if_nothing_were(
    name: str,
    error: str | None,
    demo: Archive,
    polite: dict[str, pl.DataFrame],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BARSWEEP_THREADS", "2")  # put back at the end
    folder, before, here = os.getcwd(), np.geterr(), os.getpid()
    limit = 0.2 if name == "Hangs" else None
    with warnings.catch_warnings():
        found = tables(
            config([rude(name), momentum(min_change=0.0)], scan_time_limit=limit, **SPAN), demo
        )
    assert os.getpid() == here  # or this is a second pytest
    assert (os.getcwd(), np.geterr()) == (folder, before)
    errors = found["scans"].filter(pl.col("scanner") == f"{RUDE}:{name}")["error"].drop_nulls()
    assert errors.to_list() == ([error] * 2 if error else [])  # once a session
    for table, rows in others(found).items():
        assert rows.select(polite[table].columns).equals(polite[table]), table


def test_a_setup_that_hangs_stops_the_run(demo: Archive) -> None:
    with pytest.raises(ScannerError, match=r"setup failed: took longer than 0.2 s"):
        tables(config([rude("SlowSetup")], scan_time_limit=0.2, **SPAN), demo)
    assert tables(config([rude("SlowSetup")], scan_time_limit=20.0, **SPAN), demo)["hits"].height


def test_a_time_limit_is_refused_where_it_cannot_be_kept(
    demo: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("signal.setitimer")
    with pytest.raises(ConfigError, match="scan_time_limit cannot be kept here"):
        SessionCoordinator(config([rude("Scans")], scan_time_limit=1.0, **SPAN), demo)


def test_what_is_taken_out_of_a_universe_stays_in_it_for_others(
    demo: Archive, tmp_path: Path
) -> None:
    universe = ["AAPL", "MSFT", "NVDA"]
    loaded = config(
        [rude("TakesSymbolsOut", universe=universe), momentum(universe=universe)], **SPAN
    )
    digest = loaded.digest
    scans = tables(loaded, demo)["scans"]
    assert scans.filter(pl.col("scanner") == "scanners.momentum_scanner")[
        "scanned"
    ].unique().to_list() == [3]
    assert loaded.digest == digest  # the manifest tells of the config as it was


def test_memory_that_is_not_there_is_that_scanners_error(demo: Archive, tmp_path: Path) -> None:
    """In a process that may have a gigabyte more than it starts with."""
    code = f"""
import resource
from tests.session.test_rude_scanners import *
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (3 << 30), used + (3 << 30)))
found = tables(config([rude("EatsMemory"), momentum()], **SPAN), Archive.open({str(demo.path)!r}))["scans"]
print(found["error"].drop_nulls().to_list(), len(found))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, check=False, capture_output=True, text=True
    )
    assert ran.stdout == f"['MemoryError: ', 'MemoryError: '] {2 * (2 + 77)}\n", ran.stderr
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


@pytest.mark.usefixtures("shared_at_once")
def test_a_worker_that_is_killed_is_told_of(demo: Archive, tmp_path: Path) -> None:
    with pytest.raises(StoppedError, match="a worker process was killed; was there memory enough"):
        execute_run(
            config([rude("KillsItsWorker")], start="2017-11-28", end="2017-12-04"),
            demo,
            tmp_path,
            silent,
            2,
        )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            {"symbols": ["APPL"]},
            "scan() returned 'APPL'; expected symbols of the run's universes; did you mean 'AAPL'?",
        ),
        (
            {"symbols": ["AAPL", "MSFT", "AAPL"]},
            "scan() returned a symbol more than once; expected each symbol once",
        ),
        ({"symbols": [None]}, "scan() returned symbols = [None]; expected a list of strings"),
        ({"symbols": ["AAPL", 7]}, "scan() returned symbols = ['AAPL', 7]"),
        ({"symbols": [["AAPL"]]}, "scan() returned symbols = [['AAPL']]"),
        ({"symbols": "AAPL"}, "scan() returned symbols = 'AAPL'"),
        ({"symbols": None}, "scan() returned symbols = None"),
        (
            {"symbols": ["AAPL"], "metadata": 5},
            "scan() returned metadata = 5; expected a dictionary by symbol",
        ),
    ],
)
def test_a_strange_answer_is_that_scans_error(
    answer: dict[str, Any], message: str, demo: Archive
) -> None:
    scans = tables(config([rude("Strange", **answer), momentum()], **SPAN), demo)["scans"]
    assert len(scans) == 2 * (1 + 77)
    failed = scans["error"].drop_nulls().to_list()
    assert len(failed) == 2 and all(message in error for error in failed), failed


def test_features_that_change_their_type_lose_nothing(demo: Archive, tmp_path: Path) -> None:
    """Before, fractions were cut where the first months had whole numbers."""
    scanner = rude("ChangesTypes") | {
        "regular_session": [{"start": "10:00", "end": "10:00", "interval": "1h"}]
    }
    hits = pl.read_parquet(
        execute_run(
            config([scanner], start="2017-11-29", end="2018-01-03"), demo, tmp_path, silent
        ).path
        / "hits.parquet"
    )
    assert hits["score"].unique(maintain_order=True).cast(pl.String).to_list() in (
        ["3.0", "2.5", "many"],
        ["3", "2.5", "many"],
    )
    assert hits["flag"].all()


def test_a_hundred_scanners(demo: Archive, tmp_path: Path) -> None:
    scanners = [momentum(min_change=i / 1000) | {"name": f"momentum {i}"} for i in range(100)]
    run = execute_run(config(scanners, **SPAN), demo, tmp_path, silent)
    assert len(run.summary.scanners) == 100 and {
        one.scans for one in run.summary.scanners.values()
    } == {2 * 77}
    hits = pl.read_parquet(run.path / "hits.parquet")
    alone = tables(config([momentum(min_change=0.03)], **SPAN), demo)["hits"]
    same = hits.filter(pl.col("scanner") == "momentum 30").drop("scanner", "promoted")
    assert same.equals(alone.drop("scanner", "promoted"))
