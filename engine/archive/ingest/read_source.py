"""The source of an import, read by threads and put by session into the staging folder."""

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
    """Units of a source on their way into the staging folder: labels become starts, rows that cannot be bars are put aside."""

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
        """Stage the units that are not staged yet, of them the sessions `only` or all; raises BarImportError."""
        staged = {mark["unit"]: mark["rows"] for mark in self._staging.marks(UNITS)}
        rows, megabytes = sum(staged.values()), sum(unit.bytes for unit in units) >> 20
        done = sum(unit.bytes for unit in units if unit.number in staged)
        with ThreadPoolExecutor(READERS) as pool:
            waiting = {
                pool.submit(self._read_unit, unit, only): unit
                for unit in units
                if unit.number not in staged
            }
            try:
                for future in as_completed(waiting):
                    rows, done = rows + future.result(), done + waiting[future].bytes
                    self._progress(f"reading, MB: {rows:,} rows", done >> 20, megabytes)
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _read_unit(self, unit: Unit, only: list[dt.date] | None) -> int:
        """Stage a unit, of how many rows; small files are put together before they are looked at."""
        small: list[pl.DataFrame] = []
        waiting: list[pl.DataFrame] = []
        rows, spans, told = 0, [], StampEvidence()
        for part in unit.parts:
            first = last = None
            for piece in read_pieces(part, self._reading):
                if self._stop.is_set():
                    return 0
                low, high = self._span(piece["timestamp"])
                first, last = least(first, low), most(last, high)
                small.append(piece)
                if sum(map(len, small)) >= ROWS_A_PIECE:
                    rows += self._by_session(unit, small, waiting, only, told)
                if sum(map(len, waiting)) >= ROWS_BEFORE_FLUSH:
                    self._flush(unit, waiting)
            spans.append(
                [str(part.path), str(first) if first else None, str(last) if last else None]
            )
        rows += self._by_session(unit, small, waiting, only, told)
        self._flush(unit, waiting)
        with self._lock:
            self._staging.mark(
                UNITS, {"unit": unit.number, "rows": rows, "files": spans} | told.as_json()
            )
        return rows

    def _span(self, labels: pl.Series) -> tuple[dt.date | None, dt.date | None]:
        """The first and the last day that labels may be of."""
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

    def _by_session(
        self,
        unit: Unit,
        small: list[pl.DataFrame],
        waiting: list[pl.DataFrame],
        only: list[dt.date] | None,
        told: StampEvidence,
    ) -> int:
        """Move pieces on: good rows with their session to `waiting`, the others to quarantine; how many rows there were."""
        if not small:
            return 0
        piece = pl.concat(small, how="diagonal")
        small.clear()
        piece = self._checked(piece, unit.parts[0].path)
        bars = piece.with_columns(
            self._start(), pl.coalesce(reason(), self._off_minute()).alias("reason")
        )
        bars = bars.with_columns(self._dates(piece["timestamp"], bars["timestamp"]))
        told.spacing += self._spacing(bars, unit.parts[0].path)
        if only is not None:
            bars = bars.filter(pl.col("date").is_in(only))
        sessions = self._sessions(bars["date"])
        dates = pl.Series([session.date for session in sessions], dtype=pl.Date)
        lost = pl.col("reason").is_null() & ~pl.col("date").is_in(dates.implode())
        bars = bars.with_columns(
            pl.when(lost).then(pl.lit(NOT_A_SESSION)).otherwise("reason").alias("reason")
        )
        self._staging.quarantine(
            unit, bars.filter(pl.col("reason").is_not_null()).drop("date", SPELLED, strict=False)
        )
        good = bars.filter(pl.col("reason").is_null()).drop("reason")
        if not self._interval.is_daily:
            told.edges += Edges.of(good, sessions, self._interval)
        waiting.append(good)
        return len(bars)

    def _checked(self, piece: pl.DataFrame, where: object) -> pl.DataFrame:
        """The piece with its labels at whole minutes; BarImportError for labels of another kind than is declared."""
        if self._interval.is_daily:
            refuse_shifted_days(piece["timestamp"], self._label, self._calendar, where)
        else:
            piece = piece.with_columns(whole_minutes(piece["timestamp"], self._label))
            refuse_seconds(piece["timestamp"], self._label, where)
        return piece

    def _spacing(self, bars: pl.DataFrame, where: object) -> Spacing:
        """The distances of bars that have their sessions' `date`; BarImportError where they are of a shorter interval."""
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
        """`date`: that of each bar's session."""
        if self._interval.is_daily:
            return dates_of_days(self._calendar, labels, self._label)
        return session_dates(self._calendar, starts)

    def _sessions(self, dates: pl.Series) -> list[Session]:
        low, high = dates.min(), dates.max()
        if not isinstance(low, dt.date) or not isinstance(high, dt.date):
            return []
        return self._calendar.sessions(low, high)

    def _flush(self, unit: Unit, waiting: list[pl.DataFrame]) -> None:
        if waiting:
            for (date,), bars in (
                pl.concat(waiting, how="diagonal").partition_by("date", as_dict=True).items()
            ):
                self._staging.append(unit, date, bars.drop("date"))
        waiting.clear()


def least(a: Any, b: Any) -> Any:
    """The lesser one; the other where one is None."""
    return min((value for value in (a, b) if value is not None), default=None)


def most(a: Any, b: Any) -> Any:
    """The greater one; the other where one is None."""
    return max((value for value in (a, b) if value is not None), default=None)
