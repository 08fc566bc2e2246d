"""What becomes of a run when a scanner fails."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from engine.archive.archive import Archive
from engine.errors import BarsweepError, ConfigError, ScannerError
from engine.session.coordinator import SessionCoordinator
from engine.session.session_record import SessionTables
from tests.running import config, momentum

MODULE = "tests.session.failing_scanners"
HOURLY = [{"start": "10:00", "end": "15:00", "interval": "1h"}]
SPAN = {"start": "2017-11-06", "end": "2017-11-07"}


def scanner(name: str, **more: Any) -> dict[str, Any]:
    return {"module": f"{MODULE}:{name}", "regular_session": HOURLY} | more


def run(
    archive: Archive, *scanners: dict[str, Any]
) -> tuple[SessionCoordinator, pl.DataFrame, pl.DataFrame]:
    coordinator = SessionCoordinator(config(list(scanners), **SPAN), archive)
    records = list(coordinator.sessions())
    return coordinator, SessionTables(records).scans, SessionTables(records).hits


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (scanner("SetupRaises"), "setup failed: ValueError: no licence"),
        (scanner("SetupRefuses"), "setup failed: .*did not return True"),
        (scanner("LooksInSetup"), "no cross-section yet"),
        (
            scanner("ReturnsError", pre_session=True, regular_session=None),
            "pre_session failed: feed is down",
        ),
        (scanner("Missing"), "no scanner class 'Missing'"),
        ({"module": MODULE, "regular_session": HOURLY}, "scanner classes"),
        (
            {"module": "scanners.gapscanner", "regular_session": HOURLY},
            "did you mean 'scanners.gap_scanner'",
        ),
        ({"module": "click", "regular_session": HOURLY}, "no scanner class in the module"),
        (
            {"module": "json", "regular_session": HOURLY},
            "module 'json' is in .*, from where nothing is imported",
        ),
        (momentum(min_pric=3), "did you mean 'min_price'"),
        (momentum(min_price="high"), "min_price"),
        (momentum(universe="universes/none.txt"), "no such file"),
    ],
)
def test_what_stops_the_run_before_the_first_session(
    one: dict[str, Any], message: str, demo: Archive
) -> None:
    with pytest.raises(BarsweepError, match=message):
        run(demo, one)


def test_a_scheduled_scan_that_raises_ends_that_scanner_for_the_session(demo: Archive) -> None:
    coordinator, scans, hits = run(
        demo, scanner("ScanRaises"), momentum(min_change=0.0, min_rsi=1.0)
    )
    failed = scans.filter(pl.col("error").is_not_null())
    assert (
        failed["error"].to_list() == ["ZeroDivisionError: third time unlucky"] * 2
    )  # once a session
    own = scans.filter(pl.col("scanner").str.contains("ScanRaises"))
    assert len(own) == 6
    assert len(scans.filter(pl.col("scanner") == "scanners.momentum_scanner")) == 2 * 77
    assert coordinator.manager.failures == 2
    assert hits.filter(pl.col("scanner").str.contains("ScanRaises"))["scans"].to_list() == [
        1,
        2,
        1,
        2,
    ]
    assert coordinator.manager.get_scanner_states()[f"{MODULE}:ScanRaises"]["state"] == "error"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ReturnsError", "feed is down"),
        ("ReturnsNothing", "returned NoneType"),
        ("ReturnsStrangers", "did you mean 'AAPL'"),
        ("ReturnsTwice", "more than once"),
    ],
)
def test_a_strange_result_is_an_error_in_the_scan_log(
    name: str, message: str, demo: Archive
) -> None:
    coordinator, scans, _ = run(demo, scanner(name))
    assert len(scans) == 2
    assert scans["error"].str.contains(message).all()
    assert coordinator.manager.failures == 2


def test_a_teardown_that_raises_is_recorded(demo: Archive) -> None:
    coordinator, scans, _ = run(demo, scanner("TeardownRaises"))
    assert (
        scans.filter(pl.col("scan_type") == "teardown")["error"].to_list()
        == ["OSError: disk on fire"] * 2
    )
    assert coordinator.manager.failures == 2


@pytest.mark.parametrize("times", [("08:00", "09:00"), ("16:30", "17:00")])
def test_a_schedule_outside_the_session_is_refused(times: tuple[str, str], demo: Archive) -> None:
    one = momentum() | {"regular_session": [{"start": times[0], "end": times[1], "interval": "5m"}]}
    with pytest.raises(ConfigError, match="outside the session"):
        run(demo, one)


def test_a_universe_with_unknown_symbols_is_warned_of_and_the_run_goes_on(demo: Archive) -> None:
    coordinator, scans, _ = run(demo, momentum(universe=["AAPL", "NOPE", "msft"]))
    assert any("NOPE" in warning for warning in coordinator.scope.warnings)
    assert (scans["scanned"] == 2).all()
    with pytest.raises(ScannerError, match="none of its 1 symbols"):
        run(demo, momentum(universe=["NOPE"]))
