"""A session's scans that are revealed in one step come to what they come to tick by tick."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engine.archive.archive import Archive
from engine.scan.manager import ScannerManager
from engine.session.coordinator import SessionCoordinator
from engine.session.play_mode import PlayMode
from engine.session.session_record import SessionTables
from tests.running import config

OWN = "tests.session.columnar_failures"
OFTEN = [{"start": "09:31", "end": "15:58", "interval": "9m"}]
PARTS = [
    {"start": "09:30", "end": "10:30", "interval": "5m"},
    {"start": "13:30", "end": "16:00", "interval": "7m"},
]
LATE = [{"start": "14:00", "end": "15:00", "interval": "10m"}]  # none on an early close
CLOSE = [{"at": "close"}]
EARLY = [{"start": "08:00", "end": "17:00", "interval": "25m"}]  # extended hours


def criteria(
    name: str, schedule: list[dict[str, Any]] | None, before: bool = False, **settings: Any
) -> dict[str, Any]:
    return {
        "module": "scanners.criteria_scanner",
        "name": name,
        "regular_session": schedule,
        "pre_session": before,
        "config": settings,
    }


def own(name: str, schedule: list[dict[str, Any]] = OFTEN, before: bool = False) -> dict[str, Any]:
    return {
        "module": f"{OWN}:{name}",
        "name": name,
        "regular_session": schedule,
        "pre_session": before,
    }


UP = {"up": "close > prev_close * 1.005", "high": "close > session_vwap"}
RISEN = {"up": "close > prev_close * 1.002"}
DOWN = {"down": "close < prev_close", "calm": "log(2 + zscore_20_1m) > 0"}
TOP = {"any": "close > 0", "top": "rank(session_volume) <= 3"}
SCANNERS = [
    criteria(
        "up", OFTEN, criteria=UP, features={"s": "sma_20_5m"}, rank_by="zscore_20_1m", limit=3
    ),
    criteria("down", PARTS, before=True, criteria=DOWN, features={"e": "ema_9_1m"}),
    criteria("late", LATE, criteria=UP),
    criteria("close", CLOSE, before=True, criteria=TOP),
    criteria("before", None, before=True, criteria={"gap": "prev_close > 30"}),
    own("FewOfASession", PARTS),
]
# name -> scanners, and what else the config has
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "schedules": (SCANNERS, {"symbols": ["AAPL", "KO"]}),
    "the other way round": (SCANNERS[::-1], {}),
    "extended hours": (
        [criteria("early", EARLY, criteria=RISEN), *SCANNERS[:1]],
        {"extended_hours": True},
    ),
    "extended hours, and before the open": (
        [criteria("early", EARLY, criteria=RISEN), *SCANNERS],
        {"extended_hours": True},
    ),
    "a criterion raises": ([own("Rising", PARTS, True), own("CriteriaRaise"), *SCANNERS], {}),
    "a criterion exits": ([*SCANNERS, own("CriteriaExit", PARTS)], {}),
    "setup and teardown fail": (
        [own("SetupFailsLater", PARTS, True), own("TeardownFails"), *SCANNERS],
        {},
    ),
    "no setup succeeds any more": ([own("SetupFailsLater", PARTS, True)], {}),
}
FAILS = {
    "a criterion raises": "CriteriaRaise",
    "a criterion exits": "CriteriaExit",
}  # case -> which


def run(
    case: str, demo: Archive
) -> tuple[dict[str, pl.DataFrame], dict[str, dict[str, Any]], list[str]]:
    """The tables of nine sessions, an early close and a split among them; where the scanners stand, and the active symbols."""
    scanners, more = CASES[case]
    coordinator = SessionCoordinator(
        config(scanners, start="2017-11-20", end="2017-12-01", **more), demo
    )
    found = SessionTables(list(coordinator.sessions()))
    tables = {name: getattr(found, name) for name in ("scans", "hits", "symbols", "timings")}
    tables["timings"] = tables["timings"].drop("elapsed_us")
    states = {
        name: {**state, "elapsed_ms": None}
        for name, state in coordinator.manager.get_scanner_states().items()
    }
    return tables, states, coordinator.data.get_active_symbols()


@pytest.mark.parametrize("case", CASES)
def test_at_once_is_tick_by_tick(case: str, demo: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = run(case, demo)
    monkeypatch.setattr(PlayMode, "of", lambda *asked: PlayMode("a test", "a test"))
    tick_by_tick = run(case, demo)
    for name, rows in tick_by_tick[0].items():
        assert_frame_equal(at_once[0][name], rows, check_exact=True)
    assert at_once[1:] == tick_by_tick[1:]
    assert tick_by_tick[0]["symbols"]["event"].to_list().count("promoted") > 100
    assert (
        tick_by_tick[0]["hits"]["promoted"].sum()
        == tick_by_tick[0]["scans"]["promoted"].sum()
        > 100
    )


@pytest.mark.parametrize("case", CASES)
def test_where_scanners_only_declare_no_tick_is_visited(
    case: str, demo: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(ScannerManager, "scan_due")
    assert len(run(case, demo)[0]["hits"])


@pytest.mark.parametrize("case", CASES)
def test_a_log_that_tells_of_every_scan_changes_nothing(
    case: str, demo: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = run(case, demo)
    with caplog.at_level("INFO", "barsweep"):
        told = run(case, demo)
    scheduled = [scanner["name"] for scanner in CASES[case][0] if scanner["regular_session"]]
    assert [name for name in scheduled if f"Next scan for {name}:" not in caplog.text] == []
    for name, rows in quiet[0].items():
        assert_frame_equal(told[0][name], rows, check_exact=True)


@pytest.mark.parametrize("case", FAILS)
def test_a_criterion_that_fails_is_told_of_at_the_first_scan_of_its_session(
    case: str, demo: Archive
) -> None:
    scans = run(case, demo)[0]["scans"]
    failed = scans.filter(pl.col("error").is_not_null())
    assert set(failed["scanner"]) == {FAILS[case]}
    own = (
        scans.filter(pl.col("scanner") == FAILS[case])
        .group_by("session")
        .agg(pl.len(), pl.col("error").is_not_null().sum())
    )
    assert own.filter(pl.col("error") == 1)["len"].to_list() == [1] * len(failed) != []
    assert (own["error"] <= 1).all() and len(own) == 9
