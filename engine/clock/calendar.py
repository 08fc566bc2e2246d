"""Exchange calendars by MIC: sessions, early closes, daylight saving, from exchange_calendars."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from engine.clock import calendar_cache
from engine.clock.calendar_cache import KeptCalendar
from engine.clock.from_parts import build_calendar
from engine.clock.interval import MICROS_A_MINUTE, Interval
from engine.errors import CalendarError, did_you_mean

# US equities trade before and after regular hours on the consolidated tape; after an early close
# only until 17:00
# (NYSE Arca and Nasdaq trading hours).
US_EQUITIES = frozenset({"XNYS", "XNAS", "NYSE", "NASDAQ", "XASE", "ARCX", "BATS"})
# Dates beyond these are mistakes: a year with a digit missing, a timestamp in another unit.
EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2100, 12, 31)
ROUND_THE_CLOCK = "24/7"
EPOCH = dt.date(1970, 1, 1).toordinal()
MICROS_A_DAY = 1440 * MICROS_A_MINUTE
NO_DAY = np.iinfo(np.int64).min  # in arrays of session dates: no session
WEEK = dt.timedelta(days=7)
BESIDE = dt.timedelta(days=3)  # a session that is open at a time has a date at most this far away
PRE_MARKET_OPEN, POST_MARKET_CLOSE, EARLY_POST_MARKET_CLOSE = dt.time(4), dt.time(20), dt.time(17)


@dataclass(frozen=True)
class Session:
    """One trading session; times in microseconds since the epoch, UTC.

    open, close                    regular hours, a lunch break among them
    extended_open, extended_close  with pre- and post-market; the regular hours where none are known
    break_start, break_end         the lunch break within regular hours; both 0 where there is none
    """

    date: dt.date
    open: int
    close: int
    extended_open: int
    extended_close: int
    is_early_close: bool
    tz: str
    break_start: int = 0
    break_end: int = 0

    @property
    def minutes(self) -> int:
        """Length of the regular session, from its open to its close."""
        return (self.close - self.open) // MICROS_A_MINUTE

    @property
    def trading_minutes(self) -> int:
        """Minutes of regular hours in which there is trading: without the lunch break."""
        return self.minutes - (self.break_end - self.break_start) // MICROS_A_MINUTE

    def bars(self, interval: Interval) -> int:
        """How many bars of an interval regular hours can have.

        The last bar before the lunch break and the last before the close may be shorter.
        """
        if interval.is_daily or not self.break_end:
            return interval.bars_in(self.minutes)
        before, after = self.break_start - self.open, self.close - self.break_end
        return sum(interval.bars_in(part // MICROS_A_MINUTE) for part in (before, after))

    def without_break(self, start: int, end: int) -> int:
        """Microseconds from `start` to `end` (microseconds UTC), the lunch break left out."""
        return end - start - max(0, min(end, self.break_end) - max(start, self.break_start))

    @cached_property
    def hours(self) -> tuple[int, ...]:
        """A key that sessions with the same local hours share.

        Minutes of open and close in local time, then in microseconds from the open: close, extended
        open and close; whether it is an early close; break start and end.
        """
        tz = ZoneInfo(self.tz)
        opens, closes = (
            dt.datetime.fromtimestamp(micros // 1_000_000, tz) for micros in (self.open, self.close)
        )
        return (
            opens.hour * 60 + opens.minute,
            closes.hour * 60 + closes.minute,
            self.close - self.open,
            self.extended_open - self.open,
            self.extended_close - self.open,
            self.is_early_close,
            self.break_start and self.break_start - self.open,
            self.break_end and self.break_end - self.open,
        )


@dataclass(frozen=True)
class _Known:
    """The sessions of a calendar from `low` to `high` that are built already, and their dates."""

    sessions: Sequence[Session]
    dates: Sequence[dt.date]
    low: dt.date = dt.date.max
    high: dt.date = dt.date.min

    def reaches(self, start: dt.date, end: dt.date) -> bool:
        return self.low <= start and end <= self.high


class ExchangeCalendar:
    """The sessions of one exchange, built on demand for the dates that are asked for.

    One instance a process and exchange (`of`); threads may share it.
    """

    def __init__(self, mic: str):
        self.mic = mic
        # One attribute that is replaced as a whole, so that threads never see half an update.
        self._known = _Known((), ())
        self._building = Lock()
        self._clock_zone = _zone_of_days(mic)
        kept = calendar_cache.load(mic)
        self.tz = self._clock_zone or ZoneInfo(kept.tz if kept else str(self._calendar_class().tz))
        if kept:
            self._take(kept)

    @classmethod
    def of(cls, mic: str) -> ExchangeCalendar:
        """The calendar of an exchange: a MIC ("XNYS"), "24/7" or "24/7@ZONE".

        Raises CalendarError for an unknown exchange.
        """
        return _calendar(mic)

    def sessions(self, start: dt.date, end: dt.date) -> list[Session]:
        """The sessions with start <= date <= end; there are none before 1900 and after 2100."""
        start, end = max(start, EARLIEST), min(end, LATEST)
        if end < start:
            return []
        known = self._reach(start, end)
        first, last = (
            bisect_left(known.dates, start),
            bisect_left(known.dates, end + dt.timedelta(days=1)),
        )
        return list(known.sessions[first:last])

    def session(self, date: dt.date) -> Session:
        """The session of a date.

        Where the exchange was closed, CalendarError names the sessions before and after.
        """
        sessions = self.sessions(date, date)
        if sessions:
            return sessions[0]
        near = min(max(date, EARLIEST), LATEST)
        around = self.sessions(near - dt.timedelta(days=15), near + dt.timedelta(days=15))
        before = [s.date for s in around if s.date < date][-1:]
        after = [s.date for s in around if s.date > date][:1]
        raise CalendarError(
            f"{date} is not a session",
            where=self.mic,
            expected=f"a trading day such as {' or '.join(map(str, before + after))}",
        )

    def before(self, date: dt.date, count: int) -> list[Session]:
        """The `count` sessions before a date, oldest first."""
        if count <= 0:
            return []
        earliest = date - dt.timedelta(days=10 + 2 * count)
        return self.sessions(earliest, date - dt.timedelta(days=1))[-count:]

    @property
    def is_round_the_clock(self) -> bool:
        """Whether sessions are whole days that follow each other without a gap (24/7)."""
        return self.mic.startswith(ROUND_THE_CLOCK)

    def is_overnight(self, start: dt.date, end: dt.date) -> bool:
        """Whether sessions around these dates open the evening before in local time (futures).

        A sample of the sessions is examined.
        """
        sample = self.sessions(_before(start), _after(end))[:: max(1, (end - start).days // 8)]
        return any(
            dt.datetime.fromtimestamp(session.open // 1_000_000, self.tz).date() < session.date
            for session in sample
        )

    def open_at(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """The date of the session that is open at each time.

        times  int64[times], microseconds UTC

        Returns int64[times], days since 1970-01-01; NO_DAY where no session is open.
        """
        if not len(times):
            return np.empty(0, np.int64)
        low, high = (_date_of(int(micros)) for micros in (times.min(), times.max()))
        sessions = self.sessions(low - BESIDE, high + BESIDE)
        if not sessions:
            return np.full(len(times), NO_DAY)
        opens, closes = (
            np.array(side)
            for side in zip(*((session.open, session.close) for session in sessions), strict=True)
        )
        days = np.array([session.date.toordinal() - EPOCH for session in sessions])
        latest = np.searchsorted(opens, times, side="right") - 1  # the last session that has opened
        return np.where((latest >= 0) & (times < closes[latest]), days[latest], NO_DAY)

    def _calendar_class(self) -> Any:
        from exchange_calendars import calendar_utils

        aliases = calendar_utils.get_calendar_names(include_aliases=True)
        if self.mic not in aliases:
            raise CalendarError(
                f"unknown exchange {self.mic!r}",
                fix=did_you_mean(self.mic.upper(), aliases),
                expected='a market identifier code such as XNYS, XLON, "24/7", or '
                '"24/7@America/Chicago" for days of that zone',
            )
        name = calendar_utils.resolve_alias(self.mic)
        return calendar_utils._default_calendar_factories[name]

    def _reach(self, start: dt.date, end: dt.date) -> _Known:
        """The sessions from `start` to `end` at least, built where they are not known yet.

        More than is asked for is built (400 days before, 60 after), to build rarely.
        """
        if self._known.reaches(start, end):
            return self._known
        with self._building:
            if not self._known.reaches(start, end):
                low, high = min(self._known.low, start), max(self._known.high, end)
                low, high = (
                    max(EARLIEST, low - dt.timedelta(days=400)),
                    min(LATEST, high + dt.timedelta(days=60)),
                )
                built = self._build(low, high)
                self._take(built)
                calendar_cache.keep(self.mic, built)
            return self._known

    def _take(self, built: KeptCalendar) -> None:
        sessions = [
            self._session(dt.date.fromordinal(kept[0]), *kept[1:]) for kept in built.sessions
        ]
        self._known = _Known(
            sessions, [session.date for session in sessions], built.low, built.high
        )

    def _build(self, low: dt.date, high: dt.date) -> KeptCalendar:
        if self._clock_zone:
            dates = [low + dt.timedelta(days=number) for number in range((high - low).days + 2)]
            midnights = [self.micros(date, dt.time(0)) for date in dates]
            bounds = zip(dates, midnights, midnights[1:], strict=False)
            days = [
                (date.toordinal(), opens, closes, False, 0, 0) for date, opens, closes in bounds
            ]
        else:
            days = build_calendar(self._calendar_class(), self.mic, low, high)
        return KeptCalendar(str(self.tz), low, high, days)

    def _session(
        self,
        date: dt.date,
        opens_at: int,
        closes_at: int,
        early: bool,
        break_start: int,
        break_end: int,
    ) -> Session:
        extended_open, extended_close = opens_at, closes_at
        if self.mic in US_EQUITIES:
            extended_open = self.micros(date, PRE_MARKET_OPEN)
            extended_close = self.micros(
                date, EARLY_POST_MARKET_CLOSE if early else POST_MARKET_CLOSE
            )
        return Session(
            date,
            opens_at,
            closes_at,
            extended_open,
            extended_close,
            early,
            str(self.tz),
            break_start,
            break_end,
        )

    def micros(self, date: dt.date, time: dt.time) -> int:
        """An exchange-local time of day on a date, in microseconds UTC."""
        return local_micros(date, time, self.tz)


def _zone_of_days(mic: str) -> ZoneInfo | None:
    """The zone in "24/7@America/Chicago", a market round the clock with days from midnight there.

    None for other names.
    """
    exchange, separator, zone = mic.partition("@")
    if exchange != ROUND_THE_CLOCK or not separator:
        return None
    if zone not in available_timezones():
        raise CalendarError(
            f"unknown zone {zone!r}",
            where=mic,
            expected='such as "24/7@America/Chicago"',
            fix=did_you_mean(zone, available_timezones()),
        )
    return ZoneInfo(zone)


def _before(date: dt.date) -> dt.date:
    """A week before a date, but not before EARLIEST."""
    return max(date, EARLIEST + WEEK) - WEEK


def _after(date: dt.date) -> dt.date:
    return min(date, LATEST - WEEK) + WEEK


def _date_of(micros: int) -> dt.date:
    """The UTC date of a time, moved into EARLIEST to LATEST."""
    return dt.date.fromordinal(
        min(max(micros // MICROS_A_DAY + EPOCH, EARLIEST.toordinal()), LATEST.toordinal())
    )


def local_micros(date: dt.date, time: dt.time, tz: ZoneInfo) -> int:
    """A time of day on a date in zone `tz`, in microseconds UTC."""
    return int(dt.datetime.combine(date, time, tz).timestamp()) * 1_000_000


@cache
def _calendar(mic: str) -> ExchangeCalendar:
    return ExchangeCalendar(mic)
