"""Step 2 of an import: the staged sessions become files of the archive, year by year.

Intraday sessions have a file each, and their regular hours give the year's daily bars. Imported
daily bars have one file a year. Each step is noted in the staging folder's done.jsonl, one JSON
object a line, so that an import that was killed can be continued:

    {"begun": DATE, "interval": NAME}                 an intraday session's file is about to be
                                                      written
    {"date": DATE, "kind": KIND, "rows": ROWS,        a session is finished
     "copies": COPIES, "merged": MERGED}
    {"year": YEAR}                                    the year's daily bars are written
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_bars, stored_columns, write_bars
from engine.archive.disk.daily_files import daily_from_session, read_daily_sessions, update_daily
from engine.archive.ingest.import_summary import ADDED, REPLACED, UNCHANGED, ImportSummary
from engine.archive.ingest.staged_sessions import Conflicts, SessionBars, StagedSessions
from engine.archive.ingest.staging import DONE, Staging
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import Interval
from engine.errors import BarImportError
from engine.progress import Progress
from engine.schema import BAR_SCHEMA

Mark = dict[str, Any]  # a line of done.jsonl


class SessionWriter:
    """Writes the sessions of one import.

    append   keep sessions that are the same, and refuse to lose symbols
    summary  counts every finished session; `resumed` says that a killed import is continued
    """

    def __init__(
        self,
        root: Path,
        sessions: StagedSessions,
        interval: Interval,
        append: bool,
        summary: ImportSummary,
        progress: Progress,
    ):
        self._root, self._sessions, self._interval = root, sessions, interval
        self._append, self._summary, self._progress = append, summary, progress
        marks = sessions.staging.marks(DONE)
        self._done = {dt.date.fromisoformat(mark["date"]): mark for mark in marks if "date" in mark}
        self._years_done = {mark["year"] for mark in marks if "year" in mark}

    def write(self, dates: Sequence[dt.date]) -> None:
        """Write all sessions; those that a killed import has finished are only counted."""
        write_year = self._daily_year if self._interval.is_daily else self._intraday_year
        for year, of_year in groupby(dates, key=lambda date: date.year):
            write_year(year, list(of_year), len(dates))
            self._sessions.staging.mark(DONE, {"year": year})

    def _intraday_year(self, year: int, dates: list[dt.date], total: int) -> None:
        daily: dict[dt.date, pl.DataFrame] = {}
        for date in dates:
            if date not in self._done:
                self._done[date] = self._intraday_session(date, daily)
            elif year not in self._years_done:
                daily[date] = _daily_of_file(
                    self._root, date, self._interval, self._sessions.calendar
                )
            self._count(date, total)
        update_daily(self._root, daily)

    def _daily_year(self, year: int, dates: list[dt.date], total: int) -> None:
        """Write a year's daily bars; its sessions are done only once the year's file is written."""
        daily: dict[dt.date, pl.DataFrame] = {}
        stored = read_daily_sessions(self._root, year)
        marks: list[Mark] = []
        conflicts: Conflicts = []
        for date in dates:
            if date not in self._done:
                self._done[date] = self._daily_session(date, stored, daily, conflicts)
                marks.append(self._done[date])
            self._count(date, total)
        if conflicts:
            kept, left_out = (pl.concat(frames) for frames in zip(*conflicts, strict=True))
            self._sessions.refuse_two_series(kept, left_out, str(year))
        update_daily(self._root, daily)
        for mark in marks:
            self._sessions.staging.mark(DONE, mark)

    def _intraday_session(self, date: dt.date, daily: dict[dt.date, pl.DataFrame]) -> Mark:
        """Write a session's file unless the archive has the same bars; add its daily bars."""
        staging, path = (
            self._sessions.staging,
            layout.session_file(self._root, self._interval.name, date),
        )
        session = self._sessions.intraday(date, self._interval)
        kind = ADDED
        if path.exists():
            kind = (
                self._kind(date, session.bars, read_bars(path, stored_columns(path)))
                if self._append
                else REPLACED
            )
        if kind != UNCHANGED:
            staging.mark(DONE, {"begun": str(date), "interval": self._interval.name})
            write_bars(path, session.bars)
        # An unchanged file may come from an import that was killed before the year's daily bars.
        if kind != UNCHANGED or self._summary.resumed:
            daily[date] = daily_from_session(session.bars, self._sessions.calendar.session(date))
        mark = _finished(date, kind, session)
        staging.mark(DONE, mark)
        return mark

    def _daily_session(
        self,
        date: dt.date,
        stored: dict[int, pl.DataFrame],
        daily: dict[dt.date, pl.DataFrame],
        conflicts: Conflicts,
    ) -> Mark:
        """Add a session's daily bars to `daily` unless the archive has the same.

        stored  open of a session (microseconds) -> its daily bars in the archive
        """
        session = self._sessions.daily(date, conflicts)
        before = stored.get(self._sessions.calendar.session(date).open)
        kind = ADDED
        if before is not None:
            kind = self._kind(date, session.bars, before) if self._append else REPLACED
        if kind != UNCHANGED:
            daily[date] = session.bars
        return _finished(date, kind, session)

    def _kind(self, date: dt.date, bars: pl.DataFrame, before: pl.DataFrame) -> str:
        """UNCHANGED or REPLACED; BarImportError where appending would lose symbols."""
        if bars.equals(before):
            return UNCHANGED
        symbols = before["symbol"].unique()
        lost = symbols.filter(~symbols.is_in(bars["symbol"].unique().implode())).sort()
        if len(lost):
            raise BarImportError(
                f"session {date} would lose {len(lost)} symbols that the source does not have "
                f"({', '.join(lost.head(5))})",
                where=self._root,
                expected="all files of a session in one import: a changed session is replaced "
                "whole",
                fix="give them all, or leave --append out to replace the session all the same",
            )
        return REPLACED

    def _count(self, date: dt.date, total: int) -> None:
        self._summary.count_session(self._done[date])
        self._progress("writing sessions", self._summary.sessions, total)


def complete_daily_bars(root: Path, staging: Staging, calendar: ExchangeCalendar) -> None:
    """Write the daily bars of sessions whose files an earlier, interrupted import has written.

    The import at hand may find these sessions unchanged, or not have them at all.
    """
    marks = staging.marks(DONE)
    years = {mark["year"] for mark in marks if "year" in mark}
    begun = {
        dt.date.fromisoformat(mark["begun"]): Interval.parse(mark["interval"])
        for mark in marks
        if "begun" in mark
    }
    open_dates = sorted(date for date in begun if date.year not in years)
    for _, dates in groupby(open_dates, key=lambda date: date.year):
        written = [
            date for date in dates if layout.session_file(root, begun[date].name, date).exists()
        ]
        update_daily(
            root, {date: _daily_of_file(root, date, begun[date], calendar) for date in written}
        )


def _daily_of_file(
    root: Path, date: dt.date, interval: Interval, calendar: ExchangeCalendar
) -> pl.DataFrame:
    """The daily bars of an intraday session that is in the archive."""
    bars = read_bars(layout.session_file(root, interval.name, date), list(BAR_SCHEMA))
    return daily_from_session(bars, calendar.session(date))


def _finished(date: dt.date, kind: str, session: SessionBars) -> Mark:
    return {
        "date": str(date),
        "kind": kind,
        "rows": len(session.bars),
        "copies": session.copies,
        "merged": session.merged,
    }
