"""Sessions against published facts."""

from __future__ import annotations

import datetime as dt

import pytest

from engine.clock.calendar import ExchangeCalendar
from engine.errors import CalendarError

NYSE = ExchangeCalendar.of("XNYS")


def utc(micros: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(micros / 1e6, dt.UTC)


@pytest.mark.parametrize(
    ("date", "opens", "closes"),
    [
        ("2018-03-09", "14:30", "21:00"),
        ("2018-03-12", "13:30", "20:00"),
        ("2017-11-24", "14:30", "18:00"),
        ("2018-07-03", "13:30", "17:00"),
        ("1999-06-01", "13:30", "20:00"),
    ],
)
def test_new_york_hours(date: str, opens: str, closes: str) -> None:
    session = NYSE.session(dt.date.fromisoformat(date))
    assert (f"{utc(session.open):%H:%M}", f"{utc(session.close):%H:%M}") == (opens, closes)
    assert session.is_early_close == (session.minutes == 210)


@pytest.mark.parametrize(
    "date", ["2018-03-30", "2012-10-29", "2001-09-11", "2018-12-05", "2018-03-31", "2018-01-01"]
)
def test_new_york_was_closed(date: str) -> None:
    with pytest.raises(CalendarError, match="is not a session; expected a trading day such as"):
        NYSE.session(dt.date.fromisoformat(date))


def test_extended_hours() -> None:
    full, early = NYSE.session(dt.date(2018, 3, 12)), NYSE.session(dt.date(2017, 11, 24))
    assert [f"{utc(t):%H:%M}" for t in (full.extended_open, full.extended_close)] == [
        "08:00",
        "00:00",
    ]
    assert [f"{utc(t):%H:%M}" for t in (early.extended_open, early.extended_close)] == [
        "09:00",
        "22:00",
    ]
    london = ExchangeCalendar.of("XLON").session(dt.date(2018, 3, 12))
    assert (london.extended_open, london.extended_close) == (london.open, london.close)


def test_round_the_clock() -> None:
    days = ExchangeCalendar.of("24/7").sessions(dt.date(2020, 2, 28), dt.date(2020, 3, 2))
    assert [d.date.day for d in days] == [28, 29, 1, 2]
    assert all(d.minutes == 1440 for d in days) and days[0].close == days[1].open


def test_sessions_before_a_date() -> None:
    assert [s.date for s in NYSE.before(dt.date(2018, 4, 2), 2)] == [
        dt.date(2018, 3, 28),
        dt.date(2018, 3, 29),
    ]
    assert len(NYSE.before(dt.date(2018, 4, 2), 300)) == 300
    assert (
        NYSE.before(dt.date(2018, 4, 2), 0)
        == []
        == NYSE.sessions(dt.date(2018, 4, 2), dt.date(2018, 4, 1))
    )


def test_an_unknown_exchange_names_a_near_one() -> None:
    with pytest.raises(CalendarError, match="did you mean 'XNYS'"):
        ExchangeCalendar.of("XNYX")


def test_dates_that_no_calendar_knows() -> None:
    """A year with a digit too few must not build a thousand years of sessions, nor end in an overflow."""
    calendar = ExchangeCalendar.of("XNYS")
    near = calendar.sessions(dt.date(2018, 3, 1), dt.date(2018, 3, 2))
    assert (
        calendar.sessions(dt.date.min, dt.date(1899, 12, 31))
        == calendar.sessions(dt.date(2101, 1, 1), dt.date.max)
        == []
    )
    assert calendar.sessions(dt.date.min, dt.date.max)[0].date.year == 1900
    assert calendar.sessions(dt.date(2018, 3, 1), dt.date(2018, 3, 2)) == near
    for date in (dt.date.min, dt.date.max):
        with pytest.raises(CalendarError, match="is not a session"):
            calendar.session(date)
