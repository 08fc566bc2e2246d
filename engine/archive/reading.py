"""The source of an import, read by threads and put by session into the staging folder."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import polars as pl

from engine.archive.readers import ROWS_A_PIECE
from engine.archive.source import SourceOptions, read_pieces
from engine.archive.spelling import SPELLED
from engine.archive.staging import UNITS, Staging, Unit
from engine.archive.validate import NOT_A_SESSION, reason
from engine.clock.calendar import ExchangeCalendar
from engine.clock.interval import MICROS_A_MINUTE, Interval
from engine.errors import BarImportError
from engine.progress import Progress

ROWS_BEFORE_FLUSH = 1_000_000
READERS = min(4, os.cpu_count() or 1)


class SourceReading:
    """Units of a source on their way into the staging folder: labels become starts, rows that cannot be bars are put aside."""

    def __init__(
        self, staging: Staging, reading: SourceOptions, label: str, calendar: ExchangeCalendar, interval: Interval,
        progress: Progress,
    ):  # fmt: skip
        self._staging, self._reading, self._label = staging, reading, label
        self._calendar, self._interval, self._progress = calendar, interval, progress
        self._lock, self._stop = threading.Lock(), threading.Event()

    def stage(self, units: Sequence[Unit], only: list[dt.date] | None = None) -> None:
        """Stage the units that are not staged yet, of them the sessions `only` or all; raises BarImportError."""
        staged = {mark["unit"]: mark["rows"] for mark in self._staging.marks(UNITS)}
        rows, megabytes = sum(staged.values()), sum(unit.bytes for unit in units) >> 20
        done = sum(unit.bytes for unit in units if unit.number in staged)
        with ThreadPoolExecutor(READERS) as pool:
            waiting = {pool.submit(self._read_unit, unit, only): unit for unit in units if unit.number not in staged}
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
        rows, spans = 0, []
        for part in unit.parts:
            first = last = None
            for piece in read_pieces(part, self._reading):
                if self._stop.is_set():
                    return 0
                low, high = self._span(piece["timestamp"])
                first, last = least(first, low), most(last, high)
                small.append(piece)
                if sum(map(len, small)) >= ROWS_A_PIECE:
                    rows += self._by_session(unit, small, waiting, only)
                if sum(map(len, waiting)) >= ROWS_BEFORE_FLUSH:
                    self._flush(unit, waiting)
            spans.append([str(part.path), str(first) if first else None, str(last) if last else None])
        rows += self._by_session(unit, small, waiting, only)
        self._flush(unit, waiting)
        with self._lock:
            self._staging.mark(UNITS, {"unit": unit.number, "rows": rows, "files": spans})
        return rows

    def _span(self, labels: pl.Series) -> tuple[dt.date | None, dt.date | None]:
        """The first and the last day that labels may be of."""
        low: Any = labels.min()
        high: Any = labels.max()
        if low is None:
            return None, None
        start = low if self._label == "open" else low - dt.timedelta(microseconds=self._interval.micros)
        tz = self._calendar.tz
        first, last = start.astimezone(tz).date(), high.astimezone(tz).date()
        return (min(first, low.date()), max(last, high.date())) if self._interval.is_daily else (first, last)

    def _by_session(self, unit: Unit, small: list[pl.DataFrame], waiting: list[pl.DataFrame], only: list[dt.date] | None) -> int:
        """Move pieces on: good rows with their session to `waiting`, the others to quarantine; how many rows there were."""
        if not small:
            return 0
        piece = pl.concat(small, how="diagonal")
        small.clear()
        self._check_spacing(piece, unit)
        bars = piece.with_columns(self._start(), reason()).with_columns(self._session_date())
        if only is not None:
            bars = bars.filter(pl.col("date").is_in(only))
        lost = pl.col("reason").is_null() & ~pl.col("date").is_in(self._session_dates(bars).implode())
        bars = bars.with_columns(pl.when(lost).then(pl.lit(NOT_A_SESSION)).otherwise("reason").alias("reason"))
        self._staging.quarantine(unit, bars.filter(pl.col("reason").is_not_null()).drop("date", SPELLED, strict=False))
        waiting.append(bars.filter(pl.col("reason").is_null()).drop("reason"))
        return len(bars)

    def _check_spacing(self, piece: pl.DataFrame, unit: Unit) -> None:
        """BarImportError for minutes that are told to be of five; a daylight saving's day of 23 hours, or a late bar, is none."""
        apart = distance(piece)
        if apart is not None and 2 * apart <= self._interval.micros:
            raise BarImportError(
                f"bars are {dt.timedelta(microseconds=apart)} apart", where=unit.parts[0].path,
                expected=f"bars of {self._interval.name}", fix="give the --interval they have, and bars of one interval alone",
            )  # fmt: skip

    def _start(self) -> pl.Expr:
        if self._label == "open" or self._interval.is_daily:
            return pl.col("timestamp")
        return pl.col("timestamp") - pl.duration(microseconds=self._interval.micros)

    def _session_date(self) -> pl.Expr:
        """The bar's session: its local date. A daily label at midnight UTC is a date already."""
        local = pl.col("timestamp").dt.convert_time_zone(str(self._calendar.tz)).dt.date()
        if not self._interval.is_daily:
            return local.alias("date")
        midnight_utc = pl.col("timestamp").dt.time() == dt.time(0)
        return pl.when(midnight_utc).then(pl.col("timestamp").dt.date()).otherwise(local).alias("date")

    def _session_dates(self, bars: pl.DataFrame) -> pl.Series:
        dates: list[dt.date] = bars["date"].drop_nulls().unique().sort().to_list()
        with self._lock:  # the calendar reaches further as it is asked
            sessions = self._calendar.sessions(dates[0], dates[-1]) if dates else []
        return pl.Series([session.date for session in sessions], dtype=pl.Date)

    def _flush(self, unit: Unit, waiting: list[pl.DataFrame]) -> None:
        if waiting:
            for (date,), bars in pl.concat(waiting, how="diagonal").partition_by("date", as_dict=True).items():
                self._staging.append(unit, date, bars.drop("date"))
        waiting.clear()


def least(a: Any, b: Any) -> Any:
    """The lesser one; the other where one is None."""
    return min((value for value in (a, b) if value is not None), default=None)


def most(a: Any, b: Any) -> Any:
    """The greater one; the other where one is None."""
    return max((value for value in (a, b) if value is not None), default=None)


def distance(bars: pl.DataFrame) -> int | None:
    """The most common distance between a symbol's bars, in microseconds; None where no symbol has two."""
    ordered = bars.select("symbol", pl.col("timestamp").to_physical()).sort("symbol", "timestamp")
    same = pl.col("symbol") == pl.col("symbol").shift()
    apart = ordered.select(pl.when(same).then(pl.col("timestamp").diff()).alias("apart"))
    common = apart.filter(pl.col("apart") > 0)["apart"].mode()
    return None if common.is_empty() else int(common.min())  # type: ignore[arg-type]


def spacing(bars: pl.DataFrame, file: Path) -> Interval:
    """The interval of a file's bars, by their most common distance."""
    apart = distance(bars)
    if apart is None:
        raise BarImportError("the bars' interval cannot be told from so few", where=file, fix="give --interval")
    minutes = apart // MICROS_A_MINUTE
    if apart % MICROS_A_MINUTE or not minutes:
        raise BarImportError(
            f"rows of a symbol are {dt.timedelta(microseconds=apart)} apart, as ticks and bars of seconds are", where=file,
            expected="bars of a minute or longer", fix="make minutes of them first",
        )  # fmt: skip
    return Interval.parse("1d" if minutes >= 1440 else f"{minutes}m", where=f"{file}, spacing of its bars")
