"""The ticks of a run against its schedules, session by session."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from engine.clock.calendar import ExchangeCalendar
from engine.clock.schedule import AtClose, Schedule
from engine.scan.ticks import TickTable


@pytest.mark.parametrize("mic", ["XNYS", "XLON", "24/7"])
def test_ticks_are_the_schedules_through_daylight_saving_and_early_closes(mic: str) -> None:
    sessions = ExchangeCalendar.of(mic).sessions(dt.date(2017, 1, 1), dt.date(2018, 12, 31))
    schedules = [Schedule.parse("09:35-15:55/5m"), Schedule.parse("04:10-20:00/50m"), AtClose()]
    table = TickTable(schedules, True, sessions)
    for session in sessions:
        expected = np.unique(
            np.concatenate([[session.open], *(schedule.ticks(session) for schedule in schedules)])
        )
        assert table.ticks(session).tolist() == expected.tolist()
        assert (np.diff(table.slots(session)) > 0).all() and table.slots(session)[
            -1
        ] < table.slot_count
