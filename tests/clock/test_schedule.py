"""Schedules tick by the wall clock."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import Interval
from engine.clock.schedule import Schedule
from engine.clock.time_manager import TimeManager
from engine.errors import ConfigError

SESSIONS = ExchangeCalendar.of("XNYS").sessions(dt.date(2017, 10, 30), dt.date(2018, 11, 30))
NEW_YORK = ZoneInfo("America/New_York")


@given(
    st.sampled_from(SESSIONS),
    st.integers(570, 960),
    st.integers(0, 390),
    st.sampled_from(["1m", "5m", "7m", "15m", "1h"]),
)
def test_ticks(session, start: int, length: int, interval: str) -> None:
    end = min(960, start + length)
    first, last = (dt.time(*divmod(minute, 60)) for minute in (start, end))
    schedule = Schedule(first, last, Interval.parse(interval))
    ticks = schedule.ticks(session)
    local = [dt.datetime.fromtimestamp(t / 1e6, NEW_YORK) for t in ticks.tolist()]
    step = schedule.interval.minutes
    expected = [m for m in range(start, end + 1, step) if not session.is_early_close or m <= 780]
    assert [t.hour * 60 + t.minute for t in local] == expected
    assert all(t.date() == session.date for t in local)
    assert (np.diff(ticks) > 0).all()


def test_the_example() -> None:
    schedule = Schedule.parse("09:35-15:55/5m")
    by_date = {s.date: s for s in SESSIONS}
    assert len(schedule.ticks(by_date[dt.date(2018, 3, 12)])) == 77
    assert len(schedule.ticks(by_date[dt.date(2017, 11, 24)])) == 42
    assert str(schedule) == "09:35:00-15:55:00/5m" and Schedule.parse(str(schedule)) == schedule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9:35-15:55/5m",
        "09:35-15:55",
        "25:00-26:00/5m",
        "15:55-09:35/5m",
        "09:35-15:55/1d",
        "09:35-15:55/5x",
    ],
)
def test_a_wrong_schedule_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Schedule.parse(text)


@pytest.mark.parametrize(
    ("text", "name", "minutes"),
    [("60m", "1h", 60), ("90m", "90m", 90), ("2h", "2h", 120), ("1d", "1d", 1440)],
)
def test_interval_names(text: str, name: str, minutes: int) -> None:
    assert (Interval.parse(text).name, Interval.parse(text).minutes) == (name, minutes)
    assert Interval.parse(text).is_daily == (text == "1d")


@pytest.mark.parametrize(
    "text", ["", "m", "0m", "5", "5s", "1.5h", "2d", "1440m", "24h", "-5m", "5M", "٥m"]
)
def test_a_wrong_interval_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="unknown interval"):
        Interval.parse(text)


def test_the_clock_never_goes_back() -> None:
    clock = TimeManager()
    clock.begin(SESSIONS[0])
    assert (
        clock.get_current_time()
        == clock.session_open
        == dt.datetime(2017, 10, 30, 9, 30, tzinfo=NEW_YORK)
    )
    assert clock.session_close.hour == 16
    clock.advance(SESSIONS[0].close)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(SESSIONS[0].open)
