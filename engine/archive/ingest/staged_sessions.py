"""The bars of one staged session, as the archive stores them.

    1. drop rows that repeat another row in every column
    2. where the import says so, merge the opening auction's own row into the first bar
    3. keep one bar a symbol and time; conflicting rows go to quarantine

Raises BarImportError where the rows of a symbol come from two series: two spellings of its name, or
two different bars at many of its times.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import NamedTuple

import polars as pl

from engine.archive.ingest.staging import Staging
from engine.archive.vendor_files.spelling import SPELLED, two_series, two_spellings
from engine.archive.vendor_files.validate import CONFLICTING, drop_copies, split_conflicts
from engine.clock.calendar import ExchangeCalendar, Session
from engine.clock.interval import Interval
from engine.errors import BarImportError
from engine.schema import BAR_SCHEMA

Conflicts = list[tuple[pl.DataFrame, pl.DataFrame]]  # of sessions: bars kept, bars left out


class SessionBars(NamedTuple):
    """Bars of one session, sorted by symbol and time.

    copies  exact copies that were dropped
    merged  auction rows that became part of a first bar
    """

    bars: pl.DataFrame
    copies: int
    merged: int


class StagedSessions:
    """Reads sessions out of the staging folder.

    source_folder            named in error messages
    merge_opening_auction    whether rows that end at the open belong to the first bar
    """

    def __init__(
        self,
        staging: Staging,
        calendar: ExchangeCalendar,
        source_folder: Path,
        merge_opening_auction: bool,
    ):
        self.staging, self.calendar = staging, calendar
        self._source_folder, self._merge_auction = source_folder, merge_opening_auction

    def intraday(self, date: dt.date, interval: Interval) -> SessionBars:
        """The intraday bars of a session."""
        bars, copies = drop_copies(self._rows(date))
        merged = bars
        if self._merge_auction:
            merged = merge_opening_auction(bars, self.calendar.session(date), interval)
        kept, conflicts = split_conflicts(merged)
        self.refuse_two_series(kept, conflicts, f"session {date}")
        self._quarantine(date, conflicts)
        return SessionBars(kept, copies, len(bars) - len(merged))

    def daily(self, date: dt.date, year_conflicts: Conflicts) -> SessionBars:
        """The daily bars of a session, labelled with its open.

        The session's kept and conflicting (symbol, timestamp) rows are added to `year_conflicts`:
        a session has one daily bar a symbol, so only a year of sessions shows two series.
        """
        opens_at = pl.lit(self.calendar.session(date).open).cast(BAR_SCHEMA["timestamp"])
        bars, copies = drop_copies(self._rows(date).with_columns(timestamp=opens_at))
        kept, conflicts = split_conflicts(bars)
        keys = ("symbol", "timestamp")
        year_conflicts.append((kept.select(keys), conflicts.select(keys)))
        self._quarantine(date, conflicts)
        return SessionBars(kept.select(*BAR_SCHEMA), copies, 0)

    def refuse_two_series(self, kept: pl.DataFrame, conflicts: pl.DataFrame, when: str) -> None:
        """Raise BarImportError where a symbol's bars come from two series."""
        problem = two_series(kept, conflicts)
        if problem:
            raise BarImportError(
                f"{problem} in {when}",
                where=self._source_folder,
                expected="one bar a symbol and time",
                fix="leave out the file that is of another market, feed or adjustment",
            )

    def _rows(self, date: dt.date) -> pl.DataFrame:
        """A session's staged rows; BarImportError where a symbol is spelled in two ways."""
        rows = self.staging.read(date)
        problem = two_spellings(rows)
        if problem:
            raise BarImportError(
                f"{problem} in session {date}",
                where=self._source_folder,
                expected="one way to write a symbol",
                fix="rename one of them, or import them into archives of their own",
            )
        return rows.drop(SPELLED, strict=False)

    def _quarantine(self, date: dt.date, conflicts: pl.DataFrame) -> None:
        rows = conflicts.with_columns(reason=pl.lit(CONFLICTING))
        self.staging.quarantine_session(date, rows)


def merge_opening_auction(bars: pl.DataFrame, session: Session, interval: Interval) -> pl.DataFrame:
    """Bars in which the opening auction's own row, one interval before the open, is merged.

    The auction's row gives the first bar its open, widens its high and low and adds its volume.
    """
    start = pl.col("timestamp").dt.epoch("us")
    is_auction = start == session.open - interval.micros
    moved = bars.with_columns(
        pl.when(is_auction)
        .then(start + interval.micros)
        .otherwise(start)
        .cast(BAR_SCHEMA["timestamp"])
        .alias("timestamp"),
        auction=is_auction,
    )
    first = moved.filter(start == session.open).sort("symbol", "auction", descending=[False, True])
    merged = first.group_by("symbol", "timestamp", maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
        *(pl.col(name).last() for name in bars.columns if name not in BAR_SCHEMA),
    )
    others = moved.filter(start != session.open)
    return pl.concat([merged.select(bars.columns), others.select(bars.columns)])
