"""Doubts about an archive's declared interval and label, from a sample of its bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from engine.archive.archive import Archive
from engine.archive.vendor_files.label_doubt import SHIFTED, shift_of
from engine.archive.vendor_files.spacing import Spacing
from engine.clock.interval import Interval

SOME = 5  # sessions


def longer_bars(archive: Archive, interval: Interval, dates: Sequence[dt.date]) -> str | None:
    """A sentence saying that bars are longer than their interval, or None.

    Intraday bars are judged by a sample of sessions, daily bars by all years.
    """
    spacing = Spacing()
    if interval.is_daily:
        bars = archive.read_daily(["timestamp"], None, None).select("symbol", "timestamp")
        return Spacing.of(bars, archive.calendar, daily=True).too_long(interval)
    for date in some(dates):
        spacing += Spacing.of(
            archive.read_session(date, ["symbol", "timestamp"], interval.name),
            archive.calendar,
            daily=False,
        )
    return spacing.too_long(interval)


def shifted_label(archive: Archive, interval: Interval, dates: Sequence[dt.date]) -> str | None:
    """A sentence saying that timestamps seem to label the other end of bars, or None.

    Judged by the first and last bar of a sample of sessions.
    """
    if interval.is_daily or archive.calendar.is_round_the_clock or not dates:
        return None
    sessions = {session.date: session for session in archive.calendar.sessions(dates[0], dates[-1])}
    found = {
        shift_of(archive.files.span(interval.name, date), sessions[date], interval)
        for date in some(dates)
        if date in sessions
    }
    how = found.pop() if len(found) == 1 else None
    return SHIFTED[how] if how else None


def some(dates: Sequence[dt.date]) -> list[dt.date]:
    """SOME of the dates, the first and the last among them."""
    if len(dates) <= SOME:
        return list(dates)
    return [dates[number * (len(dates) - 1) // (SOME - 1)] for number in range(SOME)]
