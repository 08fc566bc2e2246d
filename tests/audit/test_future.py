"""An archive with another future is the same up to the tick, and another one after it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.archive.archive import Archive
from engine.archive.quality.check_bars import check_archive
from engine.audit.future import CUT, FUTURES, PERTURBED, Future
from engine.schema import BAR_SCHEMA, MEMBERSHIP_SCHEMA

COLUMNS = list(BAR_SCHEMA)
DAILY = [name for name in COLUMNS if name != "symbol"]


def future(archive: Archive, date: dt.date, minute: int, kind: str) -> Future:
    session = archive.calendar.session(date)
    later = [day for day in archive.sessions(archive.manifest.base.name) if day > date][:2]
    return Future(
        archive,
        session,
        session.open + minute * 60_000_000,
        kind,
        later,
        np.random.default_rng(minute),
    )


def same_rows(a: pl.DataFrame, b: pl.DataFrame) -> int:
    return len(a.join(b, on=a.columns, how="inner"))


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(number=st.integers(3, 41), minute=st.integers(0, 389), kind=st.sampled_from(FUTURES))
def test_minutes_before_a_tick_stay_and_none_after_it_does(
    number: int, minute: int, kind: str, demo: Archive, tmp_path_factory: pytest.TempPathFactory
) -> None:
    date = demo.sessions()[number]
    made = future(demo, date, min(minute, demo.calendar.session(date).minutes), kind)
    changed = made.write(tmp_path_factory.mktemp("future") / "archive")
    whole, other = demo.read_session(date, COLUMNS), changed.read_session(date, COLUMNS)
    known = pl.col("timestamp").to_physical() + 60_000_000 <= made.tick
    assert other.filter(known).equals(whole.filter(known))
    assert same_rows(whole.filter(~known), other.filter(~known)) == 0
    assert (
        changed.sessions() == demo.sessions()[: number + 1 + len(made.later) * (kind == PERTURBED)]
    )
    assert changed.symbols() == demo.symbols()
    assert changed.read_daily(DAILY, None, date).equals(demo.read_daily(DAILY, None, date))
    before = changed.read_session(demo.sessions()[number - 1], COLUMNS)
    assert before.equals(demo.read_session(demo.sessions()[number - 1], COLUMNS))
    left = len(other.filter(~known))
    assert (
        left <= 1
        if kind == CUT
        else len(whole.filter(~known)) < 20 or 0 < left < 0.75 * len(whole.filter(~known))
    )


def test_the_days_bar_is_kept_at_its_close_and_not_before(demo: Archive, tmp_path: Path) -> None:
    date = dt.date(2017, 12, 6)
    stored = demo.read_daily(DAILY, date, date + dt.timedelta(days=1))
    for minute, same in ((389, False), (390, True)):
        for kind in FUTURES:
            changed = future(demo, date, minute, kind).write(tmp_path / f"{minute}-{kind}")
            found = changed.read_daily(DAILY, date, date + dt.timedelta(days=1))
            assert found.equals(stored) is same
            later = changed.read_daily(DAILY, date + dt.timedelta(days=1), None)
            assert same_rows(later, demo.read_daily(DAILY, None, None)) == 0
            assert (len(later) > 0) is (kind == PERTURBED)


def test_daily_archives_and_splits(days: Archive, demo: Archive, tmp_path: Path) -> None:
    date = days.sessions("1d")[20]
    for kind in FUTURES:
        changed = future(days, date, 0, kind).write(tmp_path / kind)
        found, whole = (
            one.read_daily(DAILY, date, date + dt.timedelta(days=1)) for one in (changed, days)
        )
        assert same_rows(found, whole) == 0
        assert len(found) == 1 if kind == CUT else 5 < len(found) < 0.9 * len(whole)
        assert changed.read_daily(DAILY, None, date).equals(days.read_daily(DAILY, None, date))
    day = demo.corporate_actions()["ex_date"].max()
    assert isinstance(day, dt.date)
    before = demo.sessions()[demo.sessions().index(day) - 1]
    actions = {
        kind: future(demo, before, 30, kind).write(tmp_path / f"actions-{kind}").corporate_actions()
        for kind in FUTURES
    }
    assert set(actions[CUT]["ex_date"]) == set(demo.corporate_actions()["ex_date"]) - {day}
    assert (
        same_rows(actions[PERTURBED].filter(pl.col("ex_date") > before), demo.corporate_actions())
        == 0
    )
    assert len(actions[PERTURBED]) > len(actions[CUT])


def test_what_is_written_is_an_archive(demo: Archive, tmp_path: Path) -> None:
    changed = future(demo, dt.date(2017, 12, 6), 77, PERTURBED).write(tmp_path / "archive")
    faults = {found.kind for found in check_archive(Archive.open(changed.path)) if found.fault}
    assert faults <= {
        "bars without a daily bar"
    }  # what comes after is drawn anew, minutes and days each for themselves


def test_membership_is_that_of_the_day(demo: Archive) -> None:
    rows = [
        ("A", dt.date(2017, 1, 1), None),
        ("B", dt.date(2017, 1, 1), dt.date(2017, 12, 6)),
        ("C", dt.date(2017, 1, 1), dt.date(2018, 1, 1)),
        ("D", dt.date(2017, 12, 7), None),
    ]
    intervals = pl.DataFrame(rows, schema=MEMBERSHIP_SCHEMA, orient="row")
    known = future(demo, dt.date(2017, 12, 6), 5, CUT).membership(intervals)
    assert known.rows() == [rows[0], rows[1], ("C", dt.date(2017, 1, 1), None)]
    other = future(demo, dt.date(2017, 12, 6), 5, PERTURBED).membership(intervals)
    begun = other.filter(pl.col("start_date") <= dt.date(2017, 12, 6))
    assert begun["symbol"].to_list() == ["A", "B", "C"]
    assert all(
        end is None or end in (dt.date(2017, 12, 6), dt.date(2017, 12, 7))
        for end in begun["end_date"]
    )
