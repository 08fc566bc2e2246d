"""Sessions that are run together come to what they come to one after the other."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from engine.archive.archive import Archive
from engine.scan import replay
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionRecord, SessionTables
from tests.running import config
from tests.session.test_at_once import CLOSE, FAILS, TOP, UP, criteria, own

LEADERS = {"leader": "rank(roc_5_1d) <= 9"}
ROSE = {"rose": "close > prev_close * 1.004"}
SCREENS = [
    criteria(
        "leaders",
        CLOSE,
        criteria=LEADERS,
        features={"change": "close / prev_close - 1"},
        rank_by="change",
        limit=5,
    ),
    criteria("rose", CLOSE, criteria=ROSE, features={"e": "ema_9_1d", "s": "sma_5_1d"}),
    criteria("dearest", CLOSE, criteria=ROSE, rank_by="close"),
]
TOGETHER: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "screens": (SCREENS, {}),
    "the other way round": (SCREENS[::-1], {}),
    "one": (SCREENS[:1], {}),
    "nobody": ([], {}),
    "nobody is found": ([criteria("never", CLOSE, criteria={"never": "close < 0"})], {}),
    "benchmark": (
        [criteria("ahead", CLOSE, criteria={"ahead": "beta_5_1d > 1"})],
        {"benchmark": "AAPL"},
    ),
}
ALONE: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "symbols of the config": (SCREENS, {"symbols": ["AAPL", "KO"]}),
    "before the open": (
        [*SCREENS, criteria("before", None, before=True, criteria={"gap": "prev_close > 30"})],
        {},
    ),
    "members change": (
        [criteria("top", CLOSE, criteria=ROSE, universe={"top_dollar_volume": 5}), *SCREENS],
        {},
    ),
    "a criterion raises": ([own("CriteriaRaise", CLOSE), *SCREENS], {}),
    "a criterion exits": ([*SCREENS, own("CriteriaExit", CLOSE)], {}),
    "setup and teardown of their own": (
        [own("SetupFailsLater", CLOSE), own("TeardownFails", CLOSE), *SCREENS],
        {},
    ),
    "no setup succeeds any more": ([own("SetupFailsLater", CLOSE)], {}),
    "another setup": ([own("SetupWrapped", CLOSE), *SCREENS], {}),
    "another universe every day": ([own("OtherEveryDay", CLOSE), *SCREENS], {}),
    "another property every day": ([own("OtherOneEveryDay", CLOSE), *SCREENS], {}),
    "members fail": ([own("MembersFail", CLOSE), *SCREENS], {}),
    "the first of a session": ([own("FewOfASession", CLOSE), *SCREENS], {}),
    "minutes": (
        [criteria("up", CLOSE, criteria=UP), criteria("top", CLOSE, criteria=TOP)],
        {"interval": "1m"},
    ),
}


def run(
    case: str, demo: Archive, together: bool
) -> tuple[dict[str, pl.DataFrame], list[dict[str, Any]]]:
    """The tables of nine weeks, splits among them, and where the scanners stand at the end."""
    scanners, more = (TOGETHER | ALONE)[case]
    coordinator = SessionCoordinator(config(scanners, **{"interval": "1d"} | more), demo)
    records: list[SessionRecord] = list(
        coordinator.records() if together else coordinator.sessions()
    )
    found = SessionTables(records)
    names = ("scans", "hits", "symbols", "timings", "quality")
    tables = {name: getattr(found, name) for name in names}
    tables["timings"] = tables["timings"].drop("elapsed_us")
    states = [
        {
            name: {**state, "elapsed_ms": None}
            for name, state in coordinator.manager.get_scanner_states().items()
        },
        {"active": coordinator.data.get_active_symbols(), "now": coordinator.clock.now},
        {
            "events": [
                (event.event, event.source, event.date)
                for record in records
                for event in record.events
            ]
        },
        {"dates": found.dates, "bars": found.bars},
    ]
    return tables, states


@pytest.mark.parametrize("case", [*TOGETHER, *ALONE])
def test_together_is_one_after_the_other(case: str, demo: Archive) -> None:
    together, alone = run(case, demo, True), run(case, demo, False)
    for name, rows in alone[0].items():
        assert_frame_equal(together[0][name], rows, check_exact=True)
    assert together[1] == alone[1]
    assert len(together[0]["scans"]) >= 45 or case == "nobody"
    assert together[0]["hits"]["promoted"].sum() == together[0]["scans"]["promoted"].sum()
    assert len(together[0]["hits"]) >= 40 or case in ("nobody is found", "nobody")
    assert (
        together[0]["scans"]["error"].null_count() < len(together[0]["scans"]) or case not in FAILS
    )


@pytest.mark.parametrize("sessions", [1, 7])
def test_so_are_shorter_stretches(
    sessions: int, demo: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run("screens", demo, False)
    monkeypatch.setattr(replay, "CELLS", sessions * 30)
    found = run("screens", demo, True)
    for name, rows in whole[0].items():
        assert_frame_equal(found[0][name], rows, check_exact=True)
    assert found[1] == whole[1]


@pytest.mark.parametrize("case", [*TOGETHER, *ALONE])
def test_a_year_is_played_as_one_session_where_nothing_goes_from_one_to_the_next(
    case: str, demo: Archive
) -> None:
    scanners, more = (TOGETHER | ALONE)[case]
    records = SessionCoordinator(config(scanners, **{"interval": "1d"} | more), demo).records()
    lengths = [len(record.dates) for record in records]
    assert max(lengths) > 20 if case in TOGETHER else max(lengths) == 1


def test_what_is_asked_for_when_a_year_is_computed_is_refused(demo: Archive) -> None:
    coordinator = SessionCoordinator(config([own("AsksLater", CLOSE)], interval="1d"), demo)
    errors = SessionTables(list(coordinator.records())).scans["error"].drop_nulls().to_list()
    assert (
        len(errors) == 1
        and "sma_7_1d is asked for too late: daily bars are computed a year at once" in errors[0]
    )


def test_universes_stay_on_the_run_s_thread(demo: Archive) -> None:
    coordinator = SessionCoordinator(config([own("OwnUniverse", CLOSE)], interval="1d"), demo)
    scans = SessionTables(list(coordinator.records())).scans
    assert scans["error"].null_count() == len(scans) >= 45 and set(scans["scanned"]) == {2}


def test_a_criterion_fails_in_its_own_sessions_only(demo: Archive) -> None:
    coordinator = SessionCoordinator(config([own("CriteriaRaise", CLOSE)], interval="1d"), demo)
    scans = SessionTables(list(coordinator.records())).scans
    close = (
        demo.read_daily(["close"], None, None)
        .filter(pl.col("symbol") == "INTC")
        .with_columns(risen=pl.col("close").pct_change())
    )
    raised = close.filter(pl.col("risen") > 0.01)["date"].to_list()
    assert 0 < len(raised) < 45
    assert scans.filter(pl.col("error").is_not_null())["session"].to_list() == raised
