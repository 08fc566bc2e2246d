"""Sessions, their hours and the simulated clock, counted minute by minute and against other sources."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import calendar_cache
from engine.clock.calendar import (
    EARLIEST,
    LATEST,
    NO_DAY,
    US_EQUITIES,
    ExchangeCalendar,
    Session,
    local_micros,
)
from engine.clock.interval import Interval
from engine.clock.schedule import AtClose, Schedule
from engine.clock.time_manager import TimeManager, utc
from engine.errors import CalendarError, ConfigError

MINUTE = 60_000_000
DAY = 1440 * MINUTE
SPAN = (dt.date(2018, 1, 1), dt.date(2018, 12, 31))
MICS = ("XNYS", "XLON", "XHKG", "XTKS", "CMES", "24/7", "24/7@America/Chicago", "ASEX", "XBOM")
SOME = {mic: ExchangeCalendar.of(mic).sessions(*SPAN) for mic in MICS}
sessions = st.sampled_from([one for some in SOME.values() for one in some])


def trading(session: Session, start: int, end: int) -> list[int]:
    """The minutes from `start` to `end` that are not in the lunch break, one by one."""
    return [
        at for at in range(start, end, MINUTE) if not session.break_start <= at < session.break_end
    ]


@given(sessions)
def test_minutes_are_those_between_open_and_close(session: Session) -> None:
    assert session.minutes == len(range(session.open, session.close, MINUTE))
    assert session.trading_minutes == len(trading(session, session.open, session.close))
    assert session.extended_open <= session.open < session.close <= session.extended_close


@given(sessions, st.sampled_from(["1m", "5m", "7m", "1h", "4h"]))
def test_bars_are_buckets_with_a_minute_of_trading(session: Session, name: str) -> None:
    interval = Interval.parse(name)
    starts = {session.open, session.break_end or session.open}
    buckets = {
        (start, (at - start) // interval.micros)
        for at in trading(session, session.open, session.close)
        for start in [max(s for s in starts if s <= at)]
    }
    assert session.bars(interval) == len(buckets)
    assert session.bars(Interval.parse("1d")) == 1


@given(sessions, st.integers(-90, 700), st.integers(0, 700))
def test_time_without_the_break(session: Session, first: int, length: int) -> None:
    start = session.open + first * MINUTE
    end = start + length * MINUTE
    assert session.without_break(start, end) == MINUTE * len(trading(session, start, end))


@given(sessions)
def test_hours_are_the_clock_on_the_wall_and_distances_from_the_open(session: Session) -> None:
    zone = ZoneInfo(session.tz)
    wall = [
        dt.datetime.fromtimestamp(at / 1e6, zone).time() for at in (session.open, session.close)
    ]
    told = session.hours
    assert [dt.time(*divmod(minutes, 60)) for minutes in told[:2]] == wall
    assert told[2:5] == tuple(
        at - session.open for at in (session.close, session.extended_open, session.extended_close)
    )
    assert told[5] == session.is_early_close
    breaks = (session.break_start, session.break_end)
    assert told[6:] == tuple(at - session.open if at else 0 for at in breaks)


def test_an_early_close_has_other_hours_than_a_full_session_and_than_itself_closing_late() -> None:
    by_date = {one.date: one for one in SOME["XNYS"]}
    full, early = by_date[dt.date(2018, 7, 2)], by_date[dt.date(2018, 7, 3)]
    other_full = by_date[dt.date(2018, 1, 3)]
    assert full.hours == other_full.hours != early.hours
    fields = {name: getattr(early, name) for name in early.__dataclass_fields__}
    for name, value in {
        "is_early_close": False, "close": early.close + MINUTE, "open": early.open + MINUTE,
        "extended_open": early.extended_open + MINUTE, "extended_close": early.close,
        "break_start": early.open + MINUTE, "break_end": early.open + 2 * MINUTE,
        "tz": "America/Chicago",
    }.items():  # fmt: skip
        assert Session(**{**fields, name: value}).hours != early.hours, name


def test_lunch_breaks_of_hong_kong_and_none_in_new_york() -> None:
    zone = ZoneInfo("Asia/Hong_Kong")
    for session in SOME["XHKG"]:
        if session.break_end:
            walls = [
                dt.datetime.fromtimestamp(at / 1e6, zone).time()
                for at in (session.break_start, session.break_end)
            ]
            assert walls == [dt.time(12), dt.time(13)]
    assert sum(bool(one.break_end) for one in SOME["XHKG"]) > 230
    assert all(one.break_start == one.break_end == 0 for one in SOME["XNYS"])


@pytest.mark.parametrize("mic", ["24/7", "24/7@America/Chicago"])
def test_days_round_the_clock_are_midnight_to_midnight(mic: str) -> None:
    zone = ZoneInfo("America/Chicago" if "@" in mic else "UTC")
    assert ExchangeCalendar.of(mic).is_round_the_clock
    assert not ExchangeCalendar.of("XNYS").is_round_the_clock
    assert [one.date for one in SOME[mic]] == [SPAN[0] + dt.timedelta(days=i) for i in range(365)]
    for one in SOME[mic]:
        midnights = [
            dt.datetime.combine(one.date + dt.timedelta(days=i), dt.time(0), zone).timestamp()
            for i in (0, 1)
        ]
        assert [one.open / 1e6, one.close / 1e6] == midnights
        assert (one.break_start, one.break_end, one.is_early_close) == (0, 0, False)


@pytest.mark.parametrize("mic", ["24/7@", "24/8@UTC", "24/7@Nowhere/None"])
def test_other_days_round_the_clock_are_refused(mic: str) -> None:
    with pytest.raises(CalendarError, match="unknown"):
        ExchangeCalendar(mic)


@pytest.mark.parametrize("mic", sorted(US_EQUITIES))
def test_us_equities_have_extended_hours(mic: str) -> None:
    try:
        session = ExchangeCalendar.of(mic).session(dt.date(2018, 7, 3))
    except CalendarError:
        return  # names that the library does not know
    zone = ZoneInfo("America/New_York")
    assert session.extended_open == local_micros(session.date, dt.time(4), zone)
    assert session.extended_close == local_micros(session.date, dt.time(17), zone)


def test_only_sessions_that_open_the_evening_before_are_overnight() -> None:
    for mic in MICS:
        assert ExchangeCalendar.of(mic).is_overnight(*SPAN) == (mic == "CMES")
    for date in (SPAN[0], dt.date(2018, 7, 7)):
        assert ExchangeCalendar.of("CMES").is_overnight(date, date)
    assert not ExchangeCalendar.of("24/7").is_overnight(EARLIEST, EARLIEST)
    assert not ExchangeCalendar.of("24/7").is_overnight(LATEST, LATEST)


@pytest.mark.parametrize("mic", MICS)
def test_the_session_open_at_a_time(mic: str) -> None:
    calendar, some = ExchangeCalendar.of(mic), SOME[mic]
    times = np.array(
        [at + off for one in some for at in (one.open, one.close) for off in (-1, 0, 1)]
    )
    wanted = [
        next((one for one in some if one.open <= at < one.close), None) for at in times.tolist()
    ]
    found = calendar.open_at(times).tolist()
    epoch = dt.date(1970, 1, 1)
    inside = slice(3, -3)  # the first and last of them touch sessions of other years
    assert (
        found[inside]
        == [NO_DAY if one is None else (one.date - epoch).days for one in wanted][inside]
    )
    assert calendar.open_at(np.array([], np.int64)).tolist() == []


def test_no_session_is_open_before_and_after_calendars() -> None:
    far = np.array([-4_000_000 * DAY, 4_000_000 * DAY])
    assert ExchangeCalendar.of("24/7").open_at(far).tolist() == [NO_DAY, NO_DAY]
    assert ExchangeCalendar.of("XNYS").open_at(far[:1]).tolist() == [NO_DAY]
    days = [(date - dt.date(1970, 1, 1)).days for date in (EARLIEST, LATEST)]
    noons = np.array([day * DAY + DAY // 2 for day in days])
    assert ExchangeCalendar.of("24/7").open_at(noons).tolist() == days


@given(st.sampled_from(MICS), st.integers(0, 364), st.integers(0, 60))
def test_the_sessions_before_a_date(mic: str, day: int, count: int) -> None:
    calendar, date = ExchangeCalendar.of(mic), SPAN[0] + dt.timedelta(days=day)
    every = calendar.sessions(dt.date(2017, 1, 1), date - dt.timedelta(days=1))
    assert calendar.before(date, count) == every[len(every) - count :]
    assert calendar.sessions(date, date) == [one for one in SOME[mic] if one.date == date]


def test_a_closed_day_names_the_sessions_around_it() -> None:
    calendar = ExchangeCalendar.of("XNYS")
    for date, told in {
        dt.date(2018, 3, 30): "2018-03-29 or 2018-04-02",
        dt.date(2018, 12, 25): "2018-12-24 or 2018-12-26",
        dt.date(1850, 1, 1): "such as 1900-01-0.",
    }.items():
        with pytest.raises(CalendarError, match=f"{told}$"):
            calendar.session(date)


def test_what_was_asked_for_once_is_not_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(calendar_cache.FOLDER, str(tmp_path))
    calendar, built = ExchangeCalendar("XLON"), []
    build = calendar._build
    monkeypatch.setattr(calendar, "_build", lambda *span: built.append(span) or build(*span))
    one = calendar.session(dt.date(2018, 6, 4))
    ((low, high),) = built
    assert low <= dt.date(2017, 6, 4) and dt.date(2018, 7, 4) <= high
    assert calendar.session(low + dt.timedelta(days=30)) and calendar.session(one.date) == one
    assert calendar.sessions(low, high) and len(built) == 1
    assert calendar.sessions(high, high + dt.timedelta(days=9)) and len(built) == 2
    assert built[1][0] <= low, "what was known stays known"
    kept = calendar_cache.load("XLON")
    assert kept is not None and kept.low == built[1][0] and kept.high == built[1][1]
    assert [kept_one[0] for kept_one in kept.sessions] == sorted(
        session.date.toordinal() for session in calendar.sessions(*built[1])
    )


def test_where_calendars_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(calendar_cache.FOLDER)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert calendar_cache.cache_folder() == tmp_path / ".cache" / "barsweep"
    monkeypatch.setattr("sys.platform", "darwin")
    assert calendar_cache.cache_folder() == tmp_path / "Library/Caches" / "barsweep"
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert calendar_cache.cache_folder() == Path("/local/barsweep")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert calendar_cache.cache_folder() == Path("/xdg/barsweep")
    monkeypatch.setenv(calendar_cache.FOLDER, "")
    assert calendar_cache.cache_folder() is None and calendar_cache.load("XNYS") is None


def test_a_kept_file_is_of_one_form_and_leaves_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(calendar_cache.FOLDER, str(tmp_path))
    one = (dt.date(2018, 1, 2).toordinal(), 1, 2, True, 3, 4)
    kept = calendar_cache.KeptCalendar("UTC", *SPAN, [one])
    calendar_cache.keep("A/B", kept)
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("calendar-A_B-") and file.name.endswith("-2.json")
    assert calendar_cache.load("A/B") == kept
    content = json.loads(file.read_text())
    for name in content:
        file.write_text(json.dumps({key: content[key] for key in content if key != name}))
        assert calendar_cache.load("A/B") is None


# -- intervals and schedules


@given(st.integers(1, 1440))
def test_intervals_of_minutes(minutes: int) -> None:
    if minutes == 1440:
        with pytest.raises(ConfigError):
            Interval.parse(f"{minutes}m")
        return
    one = Interval.parse(f"{minutes}m")
    assert (one.minutes, one.micros, one.is_daily) == (minutes, minutes * MINUTE, False)
    assert Interval.parse(one.name) == one and one.name.endswith("h") == (minutes % 60 == 0)
    for length in (0, 1, minutes - 1, minutes, minutes + 1, 390):
        assert one.bars_in(length) == len(range(0, length, minutes))


def test_a_day_is_one_bar() -> None:
    day = Interval.parse("1d")
    assert (day.minutes, day.bars_in(390), day.bars_in(1), day.is_daily) == (1440, 1, 1, True)
    with pytest.raises(ConfigError, match="unknown interval"):
        Interval.parse(5)  # type: ignore[arg-type]
    for text in ("1441m", "9999m", "25h", "10000m"):
        with pytest.raises(ConfigError):
            Interval.parse(text)


def test_schedules_of_sessions_that_open_the_evening_before() -> None:
    session = next(one for one in SOME["CMES"] if one.date == dt.date(2018, 3, 14))
    zone = ZoneInfo(session.tz)

    def ticks(text: str) -> list[dt.datetime]:
        found = Schedule.parse(text).ticks(session).tolist()
        return [dt.datetime.fromtimestamp(at / 1e6, zone).replace(tzinfo=None) for at in found]

    evening, day = dt.datetime(2018, 3, 13), dt.datetime(2018, 3, 14)
    assert ticks("17:00-18:00/1h") == [evening.replace(hour=17), evening.replace(hour=18)]
    assert ticks("09:00-10:00/1h") == [day.replace(hour=9), day.replace(hour=10)]
    assert ticks("16:59-17:00/1m")[0].day == 14, "the evening before, the market was closed then"


def test_a_schedule_after_the_close_is_of_the_day_and_cut_by_an_early_close_alone() -> None:
    full, early = (
        next(one for one in SOME["XNYS"] if one.date == date)
        for date in (dt.date(2018, 7, 2), dt.date(2018, 7, 3))
    )
    late = Schedule.parse("15:30-19:30/1h")
    assert len(late.ticks(full)) == 5 and len(late.ticks(early)) == 0
    noon = Schedule.parse("12:00-14:00/1h")
    assert noon.ticks(early)[-1] == early.close and len(noon.ticks(early)) == 2
    assert AtClose().ticks(early).tolist() == [early.close] and str(AtClose()) == "close"
    once = Schedule.parse("09:35-09:35/5m")
    assert len(once.ticks(full)) == 1 and once.ticks(full).dtype == np.int64
    after = Schedule.parse("16:00-16:30/30m").ticks(full).tolist()
    assert after == [full.close, full.close + 30 * MINUTE]


# -- the clock


@given(sessions, st.integers(0, 10**9))
def test_times_are_exact_to_the_microsecond(session: Session, passed: int) -> None:
    clock = TimeManager()
    clock.begin(session)
    assert (clock.now, clock.session) == (session.open, session)
    clock.advance(session.open)
    clock.advance(session.open + passed)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    now = clock.get_current_time()
    assert (now - epoch) // dt.timedelta(microseconds=1) == session.open + passed
    assert utc(session.open + passed) == now
    assert str(now.tzinfo) == session.tz
    assert (clock.session_close - clock.session_open) == dt.timedelta(minutes=session.minutes)
    begun = TimeManager()
    begun.begin(session, at=session.extended_open)
    assert begun.now == session.extended_open
    assert TimeManager().now == 0


def test_a_clock_without_a_session_has_none() -> None:
    with pytest.raises(AssertionError, match="no session has begun"):
        _ = TimeManager().session
