"""The simulated clock."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from engine.clock.calendar import Session


class TimeManager:
    """What time it is in the replay. It stands still while scanners run, and never goes back."""

    def __init__(self) -> None:
        self.now = 0  # microseconds since the epoch, UTC
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """The session that is replayed."""
        assert self._session is not None, "no session has begun"
        return self._session

    @property
    def session_open(self) -> dt.datetime:
        """Open of the regular session, exchange-local."""
        return self._local(self.session.open)

    @property
    def session_close(self) -> dt.datetime:
        """Close of the regular session, exchange-local."""
        return self._local(self.session.close)

    def get_current_time(self) -> dt.datetime:
        """Now, exchange-local."""
        return self._local(self.now)

    def begin(self, session: Session, at: int | None = None) -> None:
        """Go to the start of a session: to `at`, or its open."""
        self._session, self._tz = session, ZoneInfo(session.tz)
        self.advance(session.open if at is None else at)

    def advance(self, micros: int) -> None:
        """Let time pass; ValueError where it would go back."""
        if micros < self.now:
            raise ValueError(f"time cannot go back from {self.now} to {micros}")
        self.now = micros

    def _local(self, micros: int) -> dt.datetime:
        seconds, rest = divmod(micros, 1_000_000)
        return dt.datetime.fromtimestamp(seconds, self._tz).replace(microsecond=rest)


def utc(micros: int) -> dt.datetime:
    """Microseconds since the epoch as a time."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)
