"""Schedules, intervals and dates, in words and as configs have them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock.calendar import ExchangeCalendar, Session
from engine.clock.interval import Interval
from engine.clock.schedule import AtClose, Schedule
from engine.config.load import LoadedConfig, load_config
from engine.errors import BarsweepError
from engine.scan.ticks import TickTable
from tests.fuzz.cases import JSON, TEXTS, answer, cases

EXCHANGES = ["XNYS", "XLON", "24/7"]
SESSIONS = [
    s
    for mic in EXCHANGES
    for s in ExchangeCalendar.of(mic).sessions(dt.date(2018, 3, 5), dt.date(2018, 3, 13))
]
MINUTES = st.times(dt.time(0), dt.time(23, 59)).map(lambda t: t.isoformat("minutes"))
RIGHT = st.tuples(
    st.lists(MINUTES, min_size=2, max_size=2).map(sorted),
    st.sampled_from(["1m", "5m", "7m", "90m", "2h"]),
)
CLOCK = MINUTES | st.times().map(str) | TEXTS
INTERVAL = (
    st.tuples(st.integers(-1, 10_000), st.sampled_from("mhdsM ")).map(
        lambda pair: f"{pair[0]}{pair[1]}"
    )
    | TEXTS
)
WORDS = (
    RIGHT.map(lambda t: f"{t[0][0]}-{t[0][1]}/{t[1]}")
    | st.tuples(CLOCK, CLOCK, INTERVAL).map(lambda t: f"{t[0]}-{t[1]}/{t[2]}")
    | TEXTS
)
BLOCKS = RIGHT.map(
    lambda t: {"start": t[0][0], "end": t[0][1], "interval": t[1]}
) | st.fixed_dictionaries(
    {},
    optional={
        "start": CLOCK | JSON,
        "end": CLOCK | JSON,
        "interval": INTERVAL | JSON,
        "at": st.just("close") | TEXTS,
    },
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("schedules") / "config.json"


def ticks(schedule: Schedule | AtClose, session: Session) -> None:
    found = schedule.ticks(session)
    assert found.dtype == np.int64 and (np.diff(found) > 0).all()
    table = TickTable([schedule], True, [session])
    assert len(table.ticks(session)) == table.slot_count >= 1


@cases(200, 20_000)
@given(WORDS, st.sampled_from(SESSIONS))
def test_a_schedule_in_words(text: str, session: Session) -> None:
    schedule = answer("schedule", lambda: Schedule.parse(text))
    if isinstance(schedule, Schedule):
        assert Schedule.parse(str(schedule)) == schedule
        ticks(schedule, session)


@cases(100, 10_000)
@given(BLOCKS, st.sampled_from(SESSIONS))
def test_a_schedule_of_a_config(path: Path, content: dict[str, Any], session: Session) -> None:
    scanner = {"module": "scanners.gap_scanner", "regular_session": [content]}
    path.write_text(
        json.dumps({"mode": "backtest", "session_data_config": {"scanners": [scanner]}})
    )
    loaded = answer("schedule", lambda: load_config(path))
    if isinstance(loaded, LoadedConfig):
        (schedule,) = loaded.config.session_data_config.scanners[0].regular_session or ()
        ticks(schedule.schedule(), session)


@cases(100, 10_000)
@given(INTERVAL | st.text())
def test_an_interval(text: str) -> None:
    interval = answer("interval", lambda: Interval.parse(text))
    if isinstance(interval, Interval):
        assert 1 <= interval.minutes <= 1440 and Interval.parse(interval.name) == interval


@cases(30, 1_000)
@given(st.sampled_from(EXCHANGES) | TEXTS, st.dates(), st.dates() | st.just(dt.date.max))
def test_sessions_of_any_dates(mic: str, start: dt.date, end: dt.date) -> None:
    found = answer("calendar", lambda: ExchangeCalendar.of(mic).sessions(start, end))
    if not isinstance(found, BarsweepError):
        assert all(
            start <= session.date <= end and session.open < session.close for session in found
        )
