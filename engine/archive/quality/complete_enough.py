"""A universe restricted to symbols whose bars were complete in recent sessions."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.archive.quality.completeness import regular_counts
from engine.archive.reference.universe import Universe
from engine.clock.interval import Interval

KEPT = 400  # sessions whose members are cached: more than a session batch, which may be a year


class CompleteEnough(Universe):
    """Members of a universe that had `percent` of the regular hours' bars in the sessions before.

    The `sessions` sessions before a date are counted together; the session's own bars are not,
    because its completeness is known only at its end. Near the archive's first session fewer are
    counted; at the first session every member passes.
    """

    def __init__(
        self,
        universe: Universe,
        archive: Archive,
        interval: Interval,
        percent: float,
        sessions: int,
    ):
        self._universe, self._archive, self._interval = universe, archive, interval
        self._percent, self._sessions = percent, sessions
        self._dates = archive.sessions(interval.name)
        self._counts: dict[dt.date, dict[str, int]] = {}
        self._years: dict[int, pl.DataFrame] = {}
        self._members: dict[dt.date, list[str]] = {}
        self._last: list[str] = []
        self.unknown, self.point_in_time = universe.unknown, universe.point_in_time

    def members(self, date: dt.date) -> list[str]:
        """The universe's members on a date whose bars were complete enough, sorted."""
        if date not in self._members:
            complete = self._complete(date)
            # Sessions with the same members share one list object.
            self._last = self._last if self._last == complete else complete
            self._members[date] = self._last
            if len(self._members) > KEPT:
                del self._members[next(iter(self._members))]
        return self._members[date]

    def everyone(self, start: dt.date, end: dt.date) -> list[str]:
        """All members of the universe, complete or not."""
        return self._universe.everyone(start, end)

    def named(self, start: dt.date, end: dt.date) -> list[str]:
        """All that the universe names, complete or not."""
        return self._universe.named(start, end)

    def leavers(self, start: dt.date, end: dt.date) -> list[str] | None:
        """The universe's own leavers."""
        return self._universe.leavers(start, end)

    def _complete(self, date: dt.date) -> list[str]:
        members, at = self._universe.members(date), bisect_left(self._dates, date)
        before = self._dates[max(0, at - self._sessions) : at]
        if not before:
            return members
        self._counts = {
            day: self._counts[day] if day in self._counts else self._count(day) for day in before
        }
        sessions = self._archive.calendar.sessions(before[0], before[-1])
        expected = sum(
            session.bars(self._interval) for session in sessions if session.date in self._counts
        )
        present = np.array(
            [sum(counts.get(symbol, 0) for counts in self._counts.values()) for symbol in members]
        )
        return [
            symbol
            for symbol, enough in zip(
                members, 100.0 * present >= self._percent * expected, strict=True
            )
            if enough
        ]

    def _count(self, date: dt.date) -> dict[str, int]:
        """Symbol -> bars of regular hours in a session."""
        if self._interval.is_daily:
            if date.year not in self._years:
                year = self._archive.read_daily(
                    [], dt.date(date.year, 1, 1), dt.date(date.year + 1, 1, 1)
                )
                self._years = {date.year: year}
            return dict.fromkeys(
                self._years[date.year].filter(pl.col("date") == date)["symbol"].to_list(), 1
            )
        symbols, counts = regular_counts(
            self._archive, self._archive.calendar.session(date), self._interval
        )
        return dict(zip(symbols, counts.tolist(), strict=True))
