"""A scan written symbol by symbol finds what its columnar twin finds."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from tests.running import config, tables

MODULE = "tests.scan.symbol_scanner"
SCHEDULE = [{"start": "09:31", "end": "15:51", "interval": "20m"}]
PAIR = ["session", "tick", "symbol"]


def scanner(name: str, universe: str = "all") -> dict[str, Any]:
    return {
        "module": f"{MODULE}:{name}",
        "regular_session": SCHEDULE,
        "config": {"universe": universe},
    }


@pytest.fixture(scope="module")
def by_symbol(us2018: Archive) -> dict[str, pl.DataFrame]:
    loaded = config(
        [scanner("MyScanner", "universes/sp500_sample.txt")], start="2018-03-14", end="2018-03-22"
    )
    return tables(loaded, us2018)


def test_both_find_the_same_pairs(by_symbol: dict[str, pl.DataFrame], us2018: Archive) -> None:
    twin = tables(
        config(
            [scanner("Twin", "universes/sp500_sample.txt")], start="2018-03-14", end="2018-03-22"
        ),
        us2018,
    )
    found, expected = (t["hits"].select(PAIR).sort(PAIR) for t in (by_symbol, twin))
    assert len(expected) > 1000
    assert found.equals(expected)
    promoted = [t["hits"].filter("promoted").select(PAIR).sort(PAIR) for t in (by_symbol, twin)]
    assert promoted[0].equals(promoted[1])
    counts = ["tick", "scanned", "qualified", "promoted"]
    assert by_symbol["scans"].select(counts).equals(twin["scans"].select(counts))


def test_teardown_removes_what_the_scanner_added(by_symbol: dict[str, pl.DataFrame]) -> None:
    events = by_symbol["symbols"]
    added, removed = (
        events.filter(pl.col("event") == e).select("session", "symbol")
        for e in ("promoted", "removed")
    )
    assert len(added) > 50
    assert added.sort("session", "symbol").equals(removed.sort("session", "symbol"))
