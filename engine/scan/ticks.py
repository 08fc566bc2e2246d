"""When a run looks, session by session, and the times of day it looks at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from engine.clock.calendar import Session
from engine.panel.bars import Floats, Ints


class Ticks(Protocol):
    """Instants of each session at which something looks."""

    slot_count: int

    def ticks(self, session: Session) -> Ints:
        """int64[ticks], microseconds, increasing."""

    def slots(self, session: Session) -> Floats:
        """float64[ticks]: each tick's place among all times of day there are, counted from the
        session's open.
        """


class Scheduled(Protocol):
    """Something with ticks in a session."""

    def ticks(self, session: Session) -> Ints:
        """int64[ticks], microseconds, increasing."""


class ScheduledTicks:
    """The ticks of several schedules.

    pre_session  whether the session's open is one as well
    """

    def __init__(self, schedules: Sequence[Scheduled], pre_session: bool = False):
        self._schedules, self._pre_session = list(dict.fromkeys(schedules)), pre_session
        self._of_date: dict[dt.date, Ints] = {}
        self._offsets: dict[tuple[int, ...], Ints] = {}  # of sessions alike, from the open

    def ticks(self, session: Session) -> Ints:
        """int64[ticks], microseconds, increasing."""
        return session.open + self.from_open(session)

    def from_open(self, session: Session) -> Ints:
        """The same, counted from the open.

        Schedules go by the clock on the wall: sessions of the same hours have the same.
        """
        if session.date not in self._of_date:
            hours = session.hours
            if hours not in self._offsets:
                pre_session = np.array([session.open] if self._pre_session else [], np.int64)
                ticks = np.unique(
                    np.concatenate([pre_session, *(s.ticks(session) for s in self._schedules)])
                )
                self._offsets[hours] = ticks - session.open
            self._of_date[session.date] = self._offsets[hours]
        return self._of_date[session.date]


class TickTable(ScheduledTicks):
    """The ticks of a run: the union of all schedules'.

    schedules    those of all scanners, or whatever else has ticks in a session
    pre_session  whether something scans at the session's open, before its first bar
    sessions     every session that will be walked, for the table of times of day
    """

    def __init__(
        self, schedules: Sequence[Scheduled], pre_session: bool, sessions: Sequence[Session]
    ):
        super().__init__(schedules, pre_session)
        offsets = {session.hours: self.from_open(session) for session in sessions}
        self._times_of_day: Ints = np.unique(
            np.concatenate([np.empty(0, np.int64), *offsets.values()])
        )
        self.slot_count = len(self._times_of_day)
        self._slots: dict[tuple[int, ...], Floats] = {}

    def slots(self, session: Session) -> Floats:
        """float64[ticks]: each tick's place among the run's times of day, counted from the
        session's open.
        """
        hours = session.hours
        if hours not in self._slots:
            self._slots[hours] = np.searchsorted(
                self._times_of_day, self.from_open(session)
            ).astype(np.float64)
        return self._slots[hours]


class EveryBar:
    """Ticks at the end of each bar of regular hours; with step 0 one a session, at its close.

    step  microseconds of a bar
    """

    def __init__(self, step: int, sessions: Sequence[Session]):
        self._step = step
        self.slot_count = max(len(self.ticks(session)) for session in sessions)

    def ticks(self, session: Session) -> Ints:
        """int64[ticks], microseconds."""
        if not self._step:
            return np.array([session.close], np.int64)
        return np.arange(session.open + self._step, session.close + 1, self._step, dtype=np.int64)

    def slots(self, session: Session) -> Floats:
        """float64[ticks]: each tick's place among the times of day."""
        return np.arange(len(self.ticks(session)), dtype=np.float64)
