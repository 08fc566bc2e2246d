"""Files that Python opens are told by itself; what Polars opens, by its readers alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import polars as pl
import pytest

from engine.runtime.opened_files import watched


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "bars.parquet")
    return tmp_path / "bars.parquet"


def test_what_is_opened_is_told_while_somebody_watches(bars: Path) -> None:
    told: list[tuple[str, object]] = []
    reader = pl.read_parquet
    with watched(lambda *what: told.append(what)):
        bars.read_bytes()
        pl.read_parquet(bars)
        pl.scan_parquet([str(bars)]).collect()
        os.listdir(bars.parent)
    assert {
        ("open", str(bars)),
        ("polars.read_parquet", bars),
        ("polars.scan_parquet", str(bars)),
        ("os.listdir", bars.parent),
    } <= {
        (
            event,
            Path(what)
            if event == "os.listdir"
            else what
            if isinstance(what, Path) and event != "open"
            else str(what),
        )
        for event, what in told
    }
    before = len(told)
    bars.read_bytes()
    pl.read_parquet(bars)
    assert len(told) == before and pl.read_parquet is reader


def test_duckdbs_sql_is_told(bars: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    told: list[tuple[str, object]] = []
    text = f"SELECT a FROM '{bars}'"
    with watched(lambda *what: told.append(what)):
        assert duckdb.sql(text).fetchall() == [(1,)]
    assert ("duckdb.sql", text) in told


def test_polars_alone_tells_no_hook(bars: Path) -> None:
    """When this fails, its readers need not be wrapped."""
    told: list[str] = []
    active = [True]
    sys.addaudithook(
        lambda event, arguments: (
            told.append(str(arguments[0])) if active[0] and event == "open" else None
        )
    )
    pl.read_parquet(bars)
    active[0] = False
    assert str(bars) not in told


def test_who_is_told_may_open_files(bars: Path) -> None:
    told: list[str] = []

    def tell(event: str, what: object) -> None:
        told.append(event)
        bars.read_bytes()

    with watched(tell):
        bars.read_bytes()
    assert told == ["open"]
