"""Schedules of scans: the ticks of a session, from exchange-local times of day."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from engine.clock.calendar import Session, local_micros
from engine.clock.interval import Interval
from engine.errors import ConfigError

_FORM = re.compile(r"(\d\d:\d\d(?::\d\d)?)-(\d\d:\d\d(?::\d\d)?)/(\w+)")


@dataclass(frozen=True)
class Schedule:
    """Ticks at start, start + interval, ... up to and including end, exchange-local."""

    start: dt.time
    end: dt.time
    interval: Interval

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ConfigError(f"schedule {self} ends before it starts", expected="start <= end")
        if self.interval.is_daily:
            raise ConfigError(
                f"schedule {self} has an interval of a day", expected="minutes or hours such as 5m"
            )

    def __str__(self) -> str:
        return f"{self.start.isoformat('auto')}-{self.end.isoformat('auto')}/{self.interval.name}"

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """ "09:35-15:55/5m"; raises ConfigError."""
        match = _FORM.fullmatch(text.strip())
        try:
            if match:
                start, end = (dt.time.fromisoformat(part) for part in match.groups()[:2])
                return cls(start, end, Interval.parse(match[3]))
        except ValueError:
            pass  # an hour of 25, told below
        raise ConfigError(
            f"schedule {text!r}", expected="START-END/INTERVAL such as 09:35-15:55/5m"
        )

    def ticks(self, session: Session) -> NDArray[np.int64]:
        """int64[ticks] microseconds, increasing; cut at the session's close where that is early.

        A session that has its full length keeps ticks after its close: those of extended hours.
        Where sessions open the evening before, a schedule that begins in the evening is of that
        evening.
        """
        tz, date = ZoneInfo(session.tz), session.date
        evening = date - dt.timedelta(days=1)
        if (
            local_micros(date, self.start, tz) >= session.close
            and local_micros(evening, self.start, tz) >= session.open
        ):
            date = evening
        first, last = (local_micros(date, time, tz) for time in (self.start, self.end))
        if session.is_early_close:
            last = min(last, session.close)
        return np.arange(first, last + 1, self.interval.micros, dtype=np.int64)


@dataclass(frozen=True)
class AtClose:
    """One tick a session, at its close."""

    def __str__(self) -> str:
        return "close"

    def ticks(self, session: Session) -> NDArray[np.int64]:
        """int64[1], microseconds."""
        return np.array([session.close], np.int64)
