"""Archives that many tests read; nobody writes into them. What is kept between processes is kept apart from the user's."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ["BARSWEEP_CACHE"] = str(Path(__file__).parents[1] / ".pytest_cache" / "barsweep")

from engine.archive.archive import Archive
from engine.archive.ingest.demo import make_demo
from engine.archive.ingest.import_options import ImportOptions
from engine.archive.ingest.importer import import_bars
from tests.cli.barsweep import Barsweep
from tests.data import real_data
from tests.lean import lean_archive

settings.register_profile("patient", deadline=None)  # no timing is a reason to fail
settings.load_profile("patient")
settings.register_profile(
    "nightly", print_blob=True
)  # of `make fuzz`; how many cases it has stands beside each fuzz test


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A command sets up the log, and how a run is done depends on its level: one test's must not be the next one's."""
    log = logging.getLogger("barsweep")
    level, handlers, propagate = log.level, log.handlers, log.propagate
    yield
    log.setLevel(level)
    log.handlers, log.propagate = handlers, propagate


@pytest.fixture
def barsweep(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Barsweep:
    """The command line, called in this process."""
    return Barsweep(monkeypatch, capfd)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """30 symbols, 45 sessions from 2017-11-01: daylight saving, an early close, splits, a delisting, an IPO."""
    path = tmp_path_factory.mktemp("archives") / "demo"
    make_demo(path, symbols=30, sessions=45)
    return Archive.open(path)


@pytest.fixture(scope="session")
def us2018(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The real minute bars, imported."""
    source: Path = real_data("us_1min_2018.parquet")
    path = tmp_path_factory.mktemp("archives") / "us2018"
    import_bars([source], path, ImportOptions(label="open"))
    return Archive.open(path)


@pytest.fixture(scope="session")
def sp500(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Real daily bars of 505 symbols and five years, and nothing else."""
    path = tmp_path_factory.mktemp("archives") / "sp500"
    import_bars([real_data("sp500_daily_2013_2018.parquet")], path, ImportOptions(label="open"))
    return Archive.open(path)


@pytest.fixture(scope="session")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Real daily bars as traded, 1998 to 2021, with splits, reverse splits, dividends, changes of ticker, tickers used again."""
    return lean_archive(tmp_path_factory.mktemp("lean") / "archive")


@pytest.fixture
def shared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers begin with a run's second session, however short it is."""
    monkeypatch.setattr("engine.runs.run_blocks.WORTH_SHARING", -math.inf)
    monkeypatch.setattr("engine.runs.run_blocks.HEAD_START", 0.0)
    monkeypatch.setattr("engine.runs.pace.LEAST_SECONDS", 0.0)
    monkeypatch.setattr("engine.runs.pace.cores", lambda: 64)
    monkeypatch.setattr(
        "engine.scan.replay.CELLS", 1
    )  # daily bars session by session, or the first year would be over
