"""Longer warm-ups: what is settled stays, what is not is told, and so is an archive that begins too late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.archive.archive import Archive
from engine.audit.look_ahead import AuditOptions
from engine.audit.warm_up import FACTORS, WarmUpAudit, audit_warm_up
from engine.progress import silent
from tests.audit.test_look_ahead import leaky, loaded


def audited(criteria: dict[str, str], archive: Archive) -> WarmUpAudit:
    scanner = {**leaky("criteria", criteria=criteria), "module": "scanners.criteria_scanner"}
    return audit_warm_up(loaded([scanner]), archive, AuditOptions(1, 1, 0, seed=2), silent)


def test_an_indicator_that_is_not_settled_is_told_with_the_hits_it_changes(demo: Archive) -> None:
    scanner = {**leaky("hasty"), "module": "tests.audit.short_warm_up"}
    audit = audit_warm_up(loaded([scanner]), demo, AuditOptions(1, 1, 0, seed=2), silent)
    assert {one.indicator for one in audit.moving} == {"hasty_average_5000_1m"}
    assert [one.factor for one in audit.moving] == list(FACTORS)
    assert all(
        one.change > 1e-3 and one.moved > 0.9 * one.values > 0 and one.symbol and one.sessions == 1
        for one in audit.moving
    )
    assert all(others > 0 for *_, others in audit.hits)


def test_what_is_settled_moves_by_less_than_is_promised(demo: Archive) -> None:
    criteria = {
        "a": "ema_20 > 0",
        "b": "rsi_14_5m > 0",
        "c": "sma_50 > 0",
        "d": "macd_12_26_9.signal < 9",
        "e": "adx_14.adx > 0",
    }
    audit = audited(criteria, demo)
    assert {one.indicator for one in audit.movements} >= {
        "ema_20_1m",
        "rsi_14_5m",
        "sma_50_1m",
        "adx_14_1m.adx",
    }
    assert all(one.change < 1e-9 for one in audit.movements)
    assert not any(one.moved for one in audit.movements if one.indicator == "sma_50_1m")
    assert all(others == 0 for *_, others in audit.hits)


@pytest.mark.parametrize(("key", "short"), [("sma_200_1d", True), ("sma_5_1d", False)])
def test_an_archive_that_begins_too_late_is_told(key: str, short: bool, demo: Archive) -> None:
    audit = audited({"a": f"close > {key}"}, demo)
    assert bool(audit.cut_short) is short
    assert all(0 < one.there < 30 for one in audit.movements)


def test_rounding_and_what_only_appears_do_not_move(demo: Archive) -> None:
    audit = audited({"a": "close > ema_200", "b": "close > sma_50"}, demo)
    assert audit.moving == []
    (some, *_) = audit.movements
    cases = {
        "rounding": (3, 1e-14, 0),
        "appears": (0, 0.0, 5),
        "moves": (1, 2e-9, 0),
        "both": (1, 0.1, 1),
    }
    told = WarmUpAudit(
        [
            replace(some, indicator=name, moved=m, change=c, appeared=a)
            for name, (m, c, a) in cases.items()
        ]
    )
    kinds = (
        [one.indicator for one in some] for some in (told.moving, told.settled, told.appearing)
    )
    assert list(kinds) == [["moves", "both"], ["rounding"], ["appears", "both"]]
