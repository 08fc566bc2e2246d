"""When a run looks: the union of all schedules' ticks, session by session, and the times of day they fall on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.clock.calendar import Session
from engine.clock.schedule import Schedule
from engine.panel.bars import Floats, Ints


class TickTable:
    """The ticks of a run.

    schedules    those of all scanners
    pre_session  whether something scans at the session's open, before its first bar
    sessions     every session that will be walked, for the table of times of day
    """

    def __init__(self, schedules: Sequence[Schedule], pre_session: bool, sessions: Sequence[Session]):
        self._schedules, self._pre_session = list(dict.fromkeys(schedules)), pre_session
        offsets = [self.ticks(session) - session.open for session in sessions]
        self._times_of_day: Ints = np.unique(np.concatenate([np.empty(0, np.int64), *offsets]))

    def ticks(self, session: Session) -> Ints:
        """int64[ticks], microseconds, increasing."""
        pre_session = np.array([session.open] if self._pre_session else [], np.int64)
        return np.unique(np.concatenate([pre_session, *(s.ticks(session) for s in self._schedules)]))

    def slots(self, session: Session) -> Floats:
        """float64[ticks]: each tick's place among the run's times of day, counted from the session's open."""
        return np.searchsorted(self._times_of_day, self.ticks(session) - session.open).astype(np.float64)

    @property
    def slot_count(self) -> int:
        """At how many times of day the run looks."""
        return len(self._times_of_day)
