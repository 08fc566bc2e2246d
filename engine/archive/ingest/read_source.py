"""Step 1 of an import: threads read the source and put its rows by session into the staging folder.

For each unit of the source (`staging.py`):

    1. `_read_unit`       reads its files piece by piece; small pieces are concatenated
    2. `_split_pieces`    labels become starts, each row gets its session's date; rows that cannot
                          be bars go to quarantine with their reason
    3. `_flush`           appends the good rows to the files of their sessions
    4. a line of units.jsonl says that the unit is complete, with what its timestamps reveal
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import polars as pl

from engine.archive.ingest.staging import UNITS, Staging, Unit
from engine.archive.vendor_files.label_doubt import Edges
from engine.archive.vendor_files.readers import ROWS_A_PIECE
from engine.archive.vendor_files.session_dates import (
    dates_of_days,
    refuse_shifted_days,
    session_dates,
)
from engine.archive.vendor_files.source_columns import read_pieces
from engine.archive.vendor_files.source_options import SourceOptions
from engine.archive.vendor_files.spacing import Spacing
from engine.archive.vendor_files.spelling import SPELLED
from engine.archive.vendor_files.stamp_evidence import StampEvidence
from engine.archive.vendor_files.validate import NOT_A_SESSION, reason
from engine.archive.vendor_files.whole_minutes import (
    OFF_MINUTE,
    off_minute,
    refuse_seconds,
    whole_minutes,
)
from engine.clock.calendar import ExchangeCalendar, Session
from engine.clock.interval import Interval
from engine.errors import BarImportError
from engine.progress import Progress

ROWS_BEFORE_FLUSH = 1_000_000
READERS = min(4, os.cpu_count() or 1)


class SourceReading:
    """Stages units of a source.

    reading  how the files are read, the order of dates and the interval included
    label    which end of a bar the source's timestamps label: open or close
    """

    def __init__(
        self,
        staging: Staging,
        reading: SourceOptions,
        label: str,
        calendar: ExchangeCalendar,
        interval: Interval,
        progress: Progress,
    ):
        self._staging, self._reading, self._label = staging, reading, label
        self._calendar, self._interval, self._progress = calendar, interval, progress
        self._lock, self._stop = threading.Lock(), threading.Event()

    def stage(self, units: Sequence[Unit], only: list[dt.date] | None = None) -> None:
        """Stage the units that are not staged yet; raises BarImportError.

        only  dates of the sessions to stage; all where None
        """
        staged = {mark["unit"]: mark["rows"] for mark in self._staging.marks(UNITS)}
        rows, megabytes = sum(staged.values()), sum(unit.bytes for unit in units) >> 20
        done = sum(unit.bytes for unit in units if unit.number in staged)
        with ThreadPoolExecutor(READERS) as pool:
            futures = {
                pool.submit(self._read_unit, unit, only): unit
                for unit in units
                if unit.number not in staged
            }
            try:
                for future in as_completed(futures):
                    rows, done = rows + future.result(), done + futures[future].bytes
                    self._progress(f"reading, MB: {rows:,} rows", done >> 20, megabytes)
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _read_unit(self, unit: Unit, only: list[dt.date] | None) -> int:
        """Stage one unit; returns how many rows it has."""
        small: list[pl.DataFrame] = []  # pieces that are not split into sessions yet
        good: list[pl.DataFrame] = []  # bars with their session's date, not written yet
        rows, spans, evidence = 0, [], StampEvidence()
        for part in unit.parts:
            first = last = None
            for piece in read_pieces(part, self._reading):
                if self._stop.is_set():
                    return 0
                low, high = self._span(piece["timestamp"])
                first, last = least(first, low), most(last, high)
                small.append(piece)
                if sum(map(len, small)) >= ROWS_A_PIECE:
                    rows += self._split_pieces(unit, small, good, only, evidence)
                if sum(map(len, good)) >= ROWS_BEFORE_FLUSH:
                    self._flush(unit, good)
            spans.append(
                [str(part.path), str(first) if first else None, str(last) if last else None]
            )
        rows += self._split_pieces(unit, small, good, only, evidence)
        self._flush(unit, good)
        with self._lock:
            self._staging.mark(
                UNITS, {"unit": unit.number, "rows": rows, "files": spans} | evidence.as_json()
            )
        return rows

    def _span(self, labels: pl.Series) -> tuple[dt.date | None, dt.date | None]:
        """The first and the last session date that the labels may belong to."""
        low: Any = labels.min()
        high: Any = labels.max()
        if low is None:
            return None, None
        start = (
            low if self._label == "open" else low - dt.timedelta(microseconds=self._interval.micros)
        )
        tz = self._calendar.tz
        first, last = start.astimezone(tz).date(), high.astimezone(tz).date()
        if self._interval.is_daily:
            first, last = min(first, low.date()), max(last, high.date())
        overnight = self._calendar.is_overnight(first, last)
        return first, last + dt.timedelta(days=1) if overnight else last

    def _split_pieces(
        self,
        unit: Unit,
        small: list[pl.DataFrame],
        good: list[pl.DataFrame],
        only: list[dt.date] | None,
        evidence: StampEvidence,
    ) -> int:
        """Empty `small`: bars with their session's `date` go to `good`, other rows to quarantine.

        Returns how many rows there were. `evidence` takes in what the timestamps reveal.
        """
        if not small:
            return 0
        piece = pl.concat(small, how="diagonal")
        small.clear()
        piece = self._whole_minutes(piece, unit.parts[0].path)
        bars = piece.with_columns(
            self._start(), pl.coalesce(reason(), self._off_minute()).alias("reason")
        )
        bars = bars.with_columns(self._dates(piece["timestamp"], bars["timestamp"]))
        evidence.spacing += self._spacing(bars, unit.parts[0].path)
        if only is not None:
            bars = bars.filter(pl.col("date").is_in(only))
        sessions = self._sessions(bars["date"])
        dates = pl.Series([session.date for session in sessions], dtype=pl.Date)
        no_session = pl.col("reason").is_null() & ~pl.col("date").is_in(dates.implode())
        bars = bars.with_columns(
            pl.when(no_session).then(pl.lit(NOT_A_SESSION)).otherwise("reason").alias("reason")
        )
        self._staging.quarantine(
            unit, bars.filter(pl.col("reason").is_not_null()).drop("date", SPELLED, strict=False)
        )
        kept = bars.filter(pl.col("reason").is_null()).drop("reason")
        if not self._interval.is_daily:
            evidence.edges += Edges.of(kept, sessions, self._interval)
        good.append(kept)
        return len(bars)

    def _whole_minutes(self, piece: pl.DataFrame, where: object) -> pl.DataFrame:
        """The piece with its labels at whole minutes.

        Raises BarImportError where the labels contradict what is declared of them.
        """
        if self._interval.is_daily:
            refuse_shifted_days(piece["timestamp"], self._label, self._calendar, where)
        else:
            piece = piece.with_columns(whole_minutes(piece["timestamp"], self._label))
            refuse_seconds(piece["timestamp"], self._label, where)
        return piece

    def _spacing(self, bars: pl.DataFrame, where: object) -> Spacing:
        """The distances between bars; BarImportError where the bars are of a shorter interval."""
        spacing = Spacing.of(bars, self._calendar, self._interval.is_daily, self._label)
        common = spacing.common
        if common is not None and 2 * common <= self._interval.minutes:
            raise BarImportError(
                f"bars are {dt.timedelta(minutes=common)} apart",
                where=where,
                expected=f"bars of {self._interval.name}",
                fix="give the --interval they have, and bars of one interval alone",
            )
        return spacing

    def _off_minute(self) -> pl.Expr:
        return pl.when(off_minute() & pl.lit(not self._interval.is_daily)).then(pl.lit(OFF_MINUTE))

    def _start(self) -> pl.Expr:
        if self._label == "open" or self._interval.is_daily:
            return pl.col("timestamp")
        return pl.col("timestamp") - pl.duration(microseconds=self._interval.micros)

    def _dates(self, labels: pl.Series, starts: pl.Series) -> pl.Series:
        """Date[bars], named `date`: the date of each bar's session."""
        if self._interval.is_daily:
            return dates_of_days(self._calendar, labels, self._label)
        return session_dates(self._calendar, starts)

    def _sessions(self, dates: pl.Series) -> list[Session]:
        low, high = dates.min(), dates.max()
        if not isinstance(low, dt.date) or not isinstance(high, dt.date):
            return []
        return self._calendar.sessions(low, high)

    def _flush(self, unit: Unit, good: list[pl.DataFrame]) -> None:
        """Append the bars to their sessions' files, and empty the list."""
        if good:
            for (date,), bars in (
                pl.concat(good, how="diagonal").partition_by("date", as_dict=True).items()
            ):
                self._staging.append(unit, date, bars.drop("date"))
        good.clear()


def least(a: Any, b: Any) -> Any:
    """The smaller of two values; None is ignored."""
    return min((value for value in (a, b) if value is not None), default=None)


def most(a: Any, b: Any) -> Any:
    """The larger of two values; None is ignored."""
    return max((value for value in (a, b) if value is not None), default=None)
