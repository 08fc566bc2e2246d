"""Exchange calendars: sessions, early closes and daylight saving, from exchange_calendars by MIC."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

from engine.clock import calendar_cache
from engine.clock.calendar_cache import KeptCalendar
from engine.clock.interval import MICROS_A_MINUTE
from engine.errors import CalendarError, did_you_mean

# US equities trade before and after regular hours on the consolidated tape; after an early close only until 17:00
# (NYSE Arca and Nasdaq trading hours).
US_EQUITIES = frozenset({"XNYS", "XNAS", "NYSE", "NASDAQ", "XASE", "ARCX", "BATS"})
# Nobody asks for other dates but by mistake: a year with a digit too few, a timestamp in another unit.
EARLIEST, LATEST = dt.date(1900, 1, 1), dt.date(2100, 12, 31)
PRE_MARKET_OPEN, POST_MARKET_CLOSE, EARLY_POST_MARKET_CLOSE = dt.time(4), dt.time(20), dt.time(17)


@dataclass(frozen=True)
class Session:
    """One trading session; times in microseconds since the epoch, UTC.

    open, close                    regular hours; a lunch break, where an exchange has one, is not cut out
    extended_open, extended_close  with pre- and post-market; the regular hours where none are known
    """

    date: dt.date
    open: int
    close: int
    extended_open: int
    extended_close: int
    is_early_close: bool
    tz: str

    @property
    def minutes(self) -> int:
        """Length of the regular session."""
        return (self.close - self.open) // MICROS_A_MINUTE

    @cached_property
    def hours(self) -> tuple[int, ...]:
        """What sessions of the same hours on the clock on the wall have in common."""
        tz = ZoneInfo(self.tz)
        opens, closes = (dt.datetime.fromtimestamp(at // 1_000_000, tz) for at in (self.open, self.close))
        return (
            opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute, self.close - self.open,
            self.extended_open - self.open, self.extended_close - self.open, self.is_early_close,
        )  # fmt: skip


class ExchangeCalendar:
    """The sessions of one exchange. Reached back and forward as far as is asked for, built once a process."""

    def __init__(self, mic: str):
        self.mic = mic
        self._built: tuple[dt.date, dt.date] | None = None
        self._sessions: list[Session] = []
        self._dates: list[dt.date] = []
        kept = calendar_cache.load(mic)
        self.tz = ZoneInfo(kept.tz if kept else str(self._calendar_class().tz))
        if kept:
            self._take(kept)

    @classmethod
    def of(cls, mic: str) -> ExchangeCalendar:
        """The calendar of an exchange by MIC ("XNYS"), or "24/7"; CalendarError where there is none."""
        return _calendar(mic)

    def sessions(self, start: dt.date, end: dt.date) -> list[Session]:
        """The sessions with start <= date <= end; there are none before 1900 and after 2100."""
        start, end = max(start, EARLIEST), min(end, LATEST)
        if end < start:
            return []
        self._reach(start, end)
        return self._sessions[bisect_left(self._dates, start) : bisect_left(self._dates, end + dt.timedelta(days=1))]

    def session(self, date: dt.date) -> Session:
        """The session of a date; CalendarError where the exchange was closed, naming the sessions around it."""
        found = self.sessions(date, date)
        if found:
            return found[0]
        near = min(max(date, EARLIEST), LATEST)
        around = self.sessions(near - dt.timedelta(days=15), near + dt.timedelta(days=15))
        before = [s.date for s in around if s.date < date][-1:]
        after = [s.date for s in around if s.date > date][:1]
        raise CalendarError(
            f"{date} is not a session", where=self.mic,
            expected=f"a trading day such as {' or '.join(map(str, before + after))}",
        )  # fmt: skip

    def before(self, date: dt.date, count: int) -> list[Session]:
        """The `count` sessions before a date, oldest first."""
        if count <= 0:
            return []
        found = self.sessions(date - dt.timedelta(days=10 + 2 * count), date - dt.timedelta(days=1))
        return found[-count:]

    def _calendar_class(self) -> Any:
        from exchange_calendars import calendar_utils

        aliases = calendar_utils.get_calendar_names(include_aliases=True)
        if self.mic not in aliases:
            raise CalendarError(
                f"unknown exchange {self.mic!r}", expected='a market identifier code such as XNYS, XLON, or "24/7"',
                fix=did_you_mean(self.mic.upper(), aliases),
            )  # fmt: skip
        name = calendar_utils.resolve_alias(self.mic)
        return calendar_utils._default_calendar_factories[name]

    def _reach(self, start: dt.date, end: dt.date) -> None:
        if self._built and self._built[0] <= start and end <= self._built[1]:
            return
        low, high = self._built or (start, end)
        low, high = min(low, start), max(high, end)
        low, high = max(EARLIEST, low - dt.timedelta(days=400)), min(LATEST, high + dt.timedelta(days=60))
        built = self._build(low, high)
        self._take(built)
        calendar_cache.keep(self.mic, built)

    def _take(self, built: KeptCalendar) -> None:
        self._sessions = [self._session(dt.date.fromordinal(date), o, c, early) for date, o, c, early in built.sessions]
        self._dates = [session.date for session in self._sessions]
        self._built = built.low, built.high

    def _build(self, low: dt.date, high: dt.date) -> KeptCalendar:
        import pandas as pd

        factory = self._calendar_class()
        bounds = (factory.bound_min(), factory.bound_max())
        start = pd.Timestamp(low) if bounds[0] is None else max(pd.Timestamp(low), bounds[0])
        end = pd.Timestamp(high) if bounds[1] is None else min(pd.Timestamp(high), bounds[1])
        if start >= end:
            raise CalendarError(f"no sessions known from {low} to {high}", where=self.mic)
        calendar = factory(start, end)
        opens = calendar.opens.to_numpy("datetime64[us]").astype("int64").tolist()
        closes = calendar.closes.to_numpy("datetime64[us]").astype("int64").tolist()
        early = {day.date() for day in calendar.early_closes}
        dates = [day.date() for day in calendar.sessions]
        sessions = [(d.toordinal(), o, c, d in early) for d, o, c in zip(dates, opens, closes, strict=True)]
        return KeptCalendar(str(self.tz), low, high, sessions)

    def _session(self, date: dt.date, opens_at: int, closes_at: int, early: bool) -> Session:
        extended_open, extended_close = opens_at, closes_at
        if self.mic in US_EQUITIES:
            extended_open = self.micros(date, PRE_MARKET_OPEN)
            extended_close = self.micros(date, EARLY_POST_MARKET_CLOSE if early else POST_MARKET_CLOSE)
        return Session(date, opens_at, closes_at, extended_open, extended_close, early, str(self.tz))

    def micros(self, date: dt.date, time: dt.time) -> int:
        """An exchange-local wall-clock time of a date in microseconds, UTC."""
        return local_micros(date, time, self.tz)


def local_micros(date: dt.date, time: dt.time, tz: ZoneInfo) -> int:
    """A wall-clock time in microseconds since the epoch, UTC."""
    return int(dt.datetime.combine(date, time, tz).timestamp()) * 1_000_000


@cache
def _calendar(mic: str) -> ExchangeCalendar:
    return ExchangeCalendar(mic)
