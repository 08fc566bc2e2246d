"""Daily sessions that are computed together give what they give one by one."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.scan import filter_grid, replay
from tests.running import config, tables

WIDE = "tests.session.wide_daily_scanner"
CASES: dict[str, dict[str, Any]] = {
    "close": {"module": WIDE, "regular_session": [{"at": "close"}]},
    "open": {"module": WIDE, "pre_session": True},
    "both": {"module": WIDE, "pre_session": True, "regular_session": [{"at": "close"}]},
    "top": {
        "module": WIDE,
        "regular_session": [{"at": "close"}],
        "config": {"universe": {"top_dollar_volume": 5}},
    },
    "momentum": {
        "module": "scanners.daily_screen",
        "regular_session": [{"at": "close"}],
        "config": {
            "criteria": {"leader": "rank(roc_5_1d) <= 3"},
            "features": {"change": "close / prev_close - 1"},
            "rank_by": "change",
            "limit": 2,
        },
    },
}


@pytest.fixture(scope="module")
def one_by_one(demo: Archive) -> dict[str, dict[str, pl.DataFrame]]:
    """Every session alone."""
    before, replay.CELLS = replay.CELLS, 1
    try:
        return {name: run(demo, scanner) for name, scanner in CASES.items()}
    finally:
        replay.CELLS = before


def run(demo: Archive, scanner: dict[str, Any], **span: Any) -> dict[str, pl.DataFrame]:
    """30 symbols: two split, one is delisted, one goes public, some do not trade every day."""
    return tables(config([scanner], interval="1d", benchmark="AAPL", **span), demo)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sessions", [2, 7, 1000])
def test_stretches_of_any_length_give_the_same(
    name: str,
    sessions: int,
    demo: Archive,
    one_by_one: dict[str, dict[str, pl.DataFrame]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay, "CELLS", sessions * 30)
    monkeypatch.setattr(filter_grid, "MANY_ROWS", 100)  # shared by threads as well
    found = run(demo, CASES[name])
    for table, rows in one_by_one[name].items():
        assert found[table].equals(rows, null_equal=True), table
    assert len(found["hits"]) >= 80


@pytest.mark.parametrize("start", ["2017-11-21", "2017-12-20", "2018-01-02"])
def test_a_later_start_gives_the_same_rows(
    start: str, demo: Archive, one_by_one: dict[str, dict[str, pl.DataFrame]]
) -> None:
    found = run(demo, CASES["both"], start=start)["hits"]
    expected = one_by_one["both"]["hits"].filter(pl.col("session") >= pl.lit(start).str.to_date())
    assert found.equals(expected, null_equal=True)
