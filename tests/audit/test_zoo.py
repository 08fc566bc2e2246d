"""The zoo of leaks around the engine: each is found, told, or listed as invisible; honest reading is neither found nor told."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.audit.look_ahead import AuditOptions, LookAheadAudit
from engine.schema import MEMBERSHIP_SCHEMA, SYMBOL_MAP_SCHEMA
from tests.audit import zoo
from tests.audit.test_look_ahead import NOW_AND_THEN, audited, loaded
from tests.data import PROJECT

OPTIONS = AuditOptions(1, 1, 0, seed=1)
DAILY = "bars/interval=1d/*/bars.parquet"


def audit_of(kind: type, market: Archive, **settings: Any) -> LookAheadAudit:
    scanner = {
        "module": f"{kind.__module__}:{kind.__name__}",
        "name": kind.__name__,
        "regular_session": NOW_AND_THEN,
        "config": settings,
    }
    audit = audited(loaded([scanner]), market, OPTIONS)
    assert audit.failures == []
    return audit


def found(audit: LookAheadAudit) -> set[str]:
    return {one.what for _, one in audit.differences}


def told(audit: LookAheadAudit) -> list[str]:
    return [one for one in audit.warnings if " reads " in one]


@pytest.fixture
def earlier(demo: Archive, tmp_path: Path) -> Path:
    """The directory of a run that is over."""
    run = tmp_path / "runs" / "earlier"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")
    dates = [date for date in demo.sessions() for _ in range(2)]
    pl.DataFrame({"session": dates, "symbol": ["AAPL", "MSFT"] * (len(dates) // 2)}).write_parquet(
        run / "hits.parquet"
    )
    return run


@pytest.fixture(autouse=True)
def surroundings(demo: Archive, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What leaks look at; nothing of it is left."""
    zoo.PLACE.write_text(str(demo.path))
    monkeypatch.setenv("ZOO_BARS", str(demo.path))
    monkeypatch.setattr(sys, "argv", ["barsweep", "AAPL"])
    yield
    for left in (zoo.PLACE, zoo.NOTES):
        left.unlink(missing_ok=True)
    vars(pl).pop("zoo_closes", None)


def sources(demo: Archive) -> list[tuple[type, str]]:
    path = str(demo.path)
    files = f"SELECT symbol, last(close ORDER BY timestamp) FROM read_parquet('{path}/bars/interval=1d/*/*.parquet') "
    return [
        (zoo.FolderAbove, path),
        (zoo.FolderAbove, str(demo.path.parent)),
        (zoo.FolderAbove, str(demo.path.parent.parent)),
        (zoo.FolderAbove, os.path.relpath(path, Path.cwd())),
        (zoo.Glob, f"{path}/{DAILY}"),
        (zoo.Glob, f"{demo.path.parent}/*/{DAILY}"),
        (zoo.Template, path + "/bars/interval=1m/date={date}/bars.parquet"),
        (zoo.Address, f"file://{path}"),
        (zoo.Address, f"file://localhost{path}"),
        (zoo.Sql, files + "WHERE timestamp::DATE = :day GROUP BY symbol"),
    ]


@pytest.mark.parametrize("number", range(10))
def test_ways_to_the_archive_lead_to_the_other(number: int, demo: Archive) -> None:
    kind, source = sources(demo)[number]
    if kind is zoo.Sql:
        pytest.importorskip("duckdb")
    audit = audit_of(kind, demo, source=source)
    assert "hit" in found(audit) and told(audit) == []


def test_every_way_is_tried(demo: Archive) -> None:
    assert {kind for kind, _ in sources(demo)} | {zoo.TickersOfTomorrow} == set(zoo.FOUND) and len(
        sources(demo)
    ) == 10


@pytest.fixture(scope="module")
def renamed(demo: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The demo market, in which AAPL is renamed after the span, and LATER takes its ticker; members leave then, too."""
    path = tmp_path_factory.mktemp("archives") / "renamed"
    path.mkdir()
    for entry in demo.path.iterdir():
        (path / entry.name).symlink_to(entry)
    begin, middle, change = dt.date(2017, 1, 1), dt.date(2017, 12, 12), dt.date(2018, 1, 2)
    rows = [
        ("AAPL", "AAPL", begin, change),
        ("AAPL", "NEWA", change, None),
        ("LATER", "AAPL", change, None),
        ("MSFT", "MSFT", begin, None),
    ]
    pl.DataFrame(rows, schema=SYMBOL_MAP_SCHEMA, orient="row").write_parquet(
        path / layout.SYMBOL_MAP
    )
    members = pl.DataFrame(
        [("AAPL", begin, change), ("MSFT", middle, None)], schema=MEMBERSHIP_SCHEMA, orient="row"
    )
    members.write_parquet(path / "members.parquet")
    members.write_csv(path / "members.csv")
    (path / "notes.txt").write_text("AAPL\nMSFT\n")
    return Archive.open(path)


@pytest.mark.parametrize("name", [layout.SYMBOL_MAP, "members.parquet", "members.csv"])
def test_intervals_in_the_archive_end_at_the_session(name: str, renamed: Archive) -> None:
    audit = audit_of(zoo.TickersOfTomorrow, renamed, source=str(renamed.path / name))
    assert "hit" in found(audit) and told(audit) == []


@pytest.mark.parametrize("universe", ["all", "members.parquet", "members.csv", "notes.txt"])
def test_honest_scans_of_them_pass(universe: str, renamed: Archive) -> None:
    settings = {
        "universe": universe if universe == "all" else str(renamed.path / universe),
        "min_rsi": 30,
    }
    scanner = {
        "module": "scanners.momentum_scanner",
        "regular_session": NOW_AND_THEN,
        "config": settings,
    }
    audit = audited(loaded([scanner]), renamed, OPTIONS)
    assert (audit.differences, audit.failures, told(audit)) == ([], [], [])


@pytest.mark.parametrize("kind", zoo.TOLD, ids=lambda kind: kind.__name__)
def test_what_cannot_be_led_elsewhere_is_told(kind: type, demo: Archive, earlier: Path) -> None:
    warnings = told(audit_of(kind, demo, run=str(earlier)))
    assert any(
        one.startswith("tests.audit.zoo reads ") and zoo.TOLD[kind] in one for one in warnings
    ), warnings


@pytest.mark.parametrize("kind", zoo.INVISIBLE, ids=lambda kind: kind.__name__)
def test_what_stays_invisible(kind: type, demo: Archive) -> None:
    """When one is seen, it moves to the others, and out of the list in the docs."""
    audit = audit_of(kind, demo)
    assert audit.differences == [] and told(audit) == []


def test_the_docs_list_what_stays_invisible() -> None:
    text = (PROJECT / "docs/auditing.md").read_text()
    assert [
        why
        for kind, why in zoo.INVISIBLE.items()
        if f"`{kind.__name__}`" not in text or why not in text
    ] == []
