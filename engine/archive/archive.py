"""An archive, for reading."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_bars, read_index, read_times, symbol_runs
from engine.archive.disk.session_files import OwnFiles, SessionFiles
from engine.archive.in_place import ForeignFiles
from engine.archive.missing_parts import missing_interval, years_without_days
from engine.archive.symbol_map import SymbolMap
from engine.clock.calendar import NO_DAY, ExchangeCalendar
from engine.clock.interval import MICROS_A_MINUTE
from engine.errors import ArchiveError
from engine.schema import BAR_SCHEMA, CORPORATE_ACTIONS_SCHEMA, SYMBOL_MAP_SCHEMA

T = TypeVar("T")
HOUR = 60 * MICROS_A_MINUTE
FOOTER_BYTES = 1 << 16  # the end of a Parquet file: its schema, statistics, sizes and symbol counts


def _date(micros: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(microseconds=int(micros))


@dataclass(frozen=True)
class DailyYear:
    """A year of daily bars, sorted by symbol and date.

    symbols, counts  the symbols and how many bars each has, in order
    days             int64[bars], the session's date in days since 1970-01-01
    columns          name -> float64[bars], times in microseconds
    """

    symbols: Sequence[str]
    counts: NDArray[np.int64]
    days: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]


class Archive:
    """Bars of one exchange, imported or read in place; see docs/archives.md. `left_out` are sessions to pass over.

    Bars that archive.json names and that are gone are an ArchiveError wherever they are asked for.
    """

    may_lack_parts = False  # whether what is missing is no error

    def __init__(
        self,
        path: Path,
        manifest: layout.ArchiveManifest,
        left_out: frozenset[dt.date] = frozenset(),
    ):
        self.path, self.manifest, self.left_out = path, manifest, left_out
        self.files: SessionFiles = (
            ForeignFiles(path, manifest) if manifest.in_place else OwnFiles(path, manifest)
        )
        self._was_there = (
            path / layout.MANIFEST
        ).exists()  # not while an archive in place is being made

    @classmethod
    def open(cls, path: str | Path) -> Archive:
        """The archive in a folder; ArchiveError where there is none."""
        return cls(
            Path(path).absolute(), layout.read_manifest(Path(path))
        )  # wherever a plug-in may change to

    def without(self, sessions: Iterable[dt.date]) -> Archive:
        """The archive as if it had no files of these sessions; its daily bars are what they are."""
        return Archive(self.path, self.manifest, self.left_out | frozenset(sessions))

    @property
    def exchange(self) -> str:
        """Market identifier code."""
        return self.manifest.exchange

    @property
    def intervals(self) -> tuple[str, ...]:
        """Names of the intervals that are stored."""
        return self.files.intervals()

    @property
    def calendar(self) -> ExchangeCalendar:
        """The exchange's calendar."""
        return ExchangeCalendar.of(self.exchange)

    def sessions(self, interval: str = "1m") -> list[dt.date]:
        """The dates that have bars of an interval, increasing; those of intraday intervals without opening a file."""
        if interval == "1d":
            return self._daily_dates
        dates = self._there(self.files.dates(interval))
        if not dates:
            self._refuse_missing(interval)
        return [date for date in dates if date not in self.left_out]

    def symbols(self) -> list[str]:
        """All symbols, sorted: those of the daily bars, which every import keeps up to date."""
        return list(self._symbols)

    def read_session(
        self, date: dt.date, columns: Sequence[str], interval: str = "1m"
    ) -> pl.DataFrame:
        """Columns of one session's bars, by symbol, then time; without the symbols, in the file's order."""
        bars = self.files.read(interval, date, columns)
        return (
            self.symbol_map.rename_session(bars, date)
            if self.symbol_map and "symbol" in columns
            else bars
        )

    def read_session_index(
        self, date: dt.date, interval: str = "1m"
    ) -> tuple[list[str], np.ndarray] | None:
        """A session's symbols and their row counts (int64) in the file's order, where its metadata tells them.

        A symbol is NOBODY where the rows are of no symbol of the map.
        """
        index = self.files.index(interval, date)
        return (
            (self.symbol_map.owners(index[0], date), index[1])
            if index and self.symbol_map
            else index
        )

    def read_daily(
        self, columns: Sequence[str], start: dt.date | None, end: dt.date | None
    ) -> pl.DataFrame:
        """Daily bars with start <= session date < end: symbol, date, columns; sorted by symbol and date."""
        years = [
            y
            for y in self.daily_years()
            if (not start or y >= start.year) and (not end or y <= end.year)
        ]
        names = dict.fromkeys(["symbol", "timestamp", *columns])
        frames = [read_bars(self.daily_file(year), list(names)) for year in years]
        if not frames:
            return pl.DataFrame(
                schema={"symbol": pl.String, "date": pl.Date, **self._daily_dtypes(columns)}
            )
        within = pl.lit(True)
        within = within & (pl.col("date") >= start) if start else within
        within = within & (pl.col("date") < end) if end else within
        bars = pl.concat(frames)
        frame = (
            bars.with_columns(self.session_dates(bars["timestamp"]))
            .filter(within)
            .select("symbol", "date", *columns)
        )
        if self.symbol_map:
            return self.symbol_map.rename_daily(frame)
        return (
            frame if len(frames) == 1 else frame.sort("symbol", "date")
        )  # a year's file is sorted

    def daily_years(self) -> list[int]:
        """The years that have daily bars, increasing."""
        years = self._there(layout.daily_years(self.files.daily_root))
        if not years:
            self._refuse_missing("1d")
        elif self._missing_year is not None:
            raise self._missing_year
        return years

    def daily_file(self, year: int) -> Path:
        """The file of a year of daily bars."""
        return layout.daily_file(self.files.daily_root, year)

    def read_daily_year(self, year: int, columns: Sequence[str]) -> DailyYear:
        """Columns of a year's daily bars, by symbol, then date."""
        path = self.daily_file(year)
        index = read_index(path)
        frame = read_bars(
            path, [*([] if index else ["symbol"]), *dict.fromkeys(["timestamp", *columns])]
        )
        symbols, counts = index or symbol_runs(frame["symbol"])
        days = self._days(frame["timestamp"])
        floats = {name: frame[name].to_physical().cast(pl.Float64).to_numpy() for name in columns}
        if self.symbol_map.knows(symbols):
            symbols, counts, rows = self.symbol_map.rename_runs(symbols, counts, days)
            days, floats = days[rows], {name: values[rows] for name, values in floats.items()}
        return DailyYear(symbols, counts, days, floats)

    def daily_symbols(self, year: int) -> Sequence[str]:
        """The symbols that have daily bars in a year, sorted."""
        path = self.daily_file(year)
        index = read_index(path)
        tickers = (
            index[0] if index else read_bars(path, ["symbol"])["symbol"].unique().sort().to_list()
        )
        return self.read_daily_year(year, []).symbols if self.symbol_map.knows(tickers) else tickers

    def daily_days(self, year: int) -> NDArray[np.int64]:
        """int64[bars]: the session's date of a year's daily bars in the file's order, in days since 1970-01-01."""
        return self._days(read_bars(self.daily_file(year), ["timestamp"])["timestamp"])

    def corporate_actions(self) -> pl.DataFrame:
        """CORPORATE_ACTIONS_SCHEMA; empty where the archive has none."""
        return self._read_table(layout.ACTIONS, CORPORATE_ACTIONS_SCHEMA)

    @cached_property
    def symbol_map(self) -> SymbolMap:
        """Whose bars a ticker's are; an empty map where every ticker is its own symbol."""
        return SymbolMap(
            self._read_table(layout.SYMBOL_MAP, SYMBOL_MAP_SCHEMA), self.path / layout.SYMBOL_MAP
        )

    def digest(self) -> str:
        """16 hex digits that change when a bar does: of every file's relative path, size and Parquet footer."""
        found = hashlib.sha256()
        tables = (self.path / layout.ACTIONS, self.path / layout.SYMBOL_MAP)
        for path in [
            *self._there(self.files.all_paths()),
            *(table for table in tables if table.exists()),
        ]:
            try:
                with path.open("rb") as handle:
                    size = handle.seek(0, 2)
                    handle.seek(max(0, size - FOOTER_BYTES))
                    end = handle.read()
            except OSError as error:
                raise ArchiveError(
                    f"cannot be read: {error.strerror}", where=path, fix="run the command again"
                ) from None
            found.update(f"{os.path.relpath(path, self.files.root)}\0{size}\0".encode() + end)
        return found.hexdigest()[:16]

    def _refuse_missing(self, interval: str) -> None:
        """ArchiveError where bars of an interval that the archive is to have are gone."""
        if interval in self.intervals and not self.may_lack_parts:
            raise missing_interval(self.path, self.files, interval)

    @cached_property
    def _missing_year(self) -> ArchiveError | None:
        """Of a year of intraday sessions without its daily bars; those of files in place are made as they are read."""
        return (
            None
            if self.may_lack_parts or self.manifest.in_place
            else years_without_days(self.files, self.intervals)
        )

    @cached_property
    def _daily_dates(self) -> list[dt.date]:
        starts = pl.concat(
            [pl.Series(dtype=BAR_SCHEMA["timestamp"]), *map(self._daily_starts, self.daily_years())]
        )
        return self.session_dates(starts).unique().sort().to_list()

    def _daily_starts(self, year: int) -> pl.Series:
        """When the sessions of a year's daily bars begin."""
        times = read_times(self.daily_file(year))
        if times is not None:
            return pl.Series(times, dtype=pl.Int64).cast(BAR_SCHEMA["timestamp"])
        return read_bars(self.daily_file(year), ["timestamp"])["timestamp"].unique()

    @cached_property
    def _symbols(self) -> list[str]:
        return sorted(
            {symbol for year in self.daily_years() for symbol in self.daily_symbols(year)}
        )

    def _read_table(self, name: str, schema: dict[str, pl.DataType]) -> pl.DataFrame:
        """A table beside the bars, in its schema; empty where there is none."""
        path = self.path / name
        if not self._there(path.exists()):
            return pl.DataFrame(schema=schema)
        try:
            frame = pl.read_parquet(path)
            missing = [column for column in schema if column not in frame.columns]
            if missing:
                raise ArchiveError(
                    f"no column {', '.join(missing)}", where=path, expected=", ".join(schema)
                )
            return frame.select(*schema).cast(pl.Schema(schema))
        except (pl.exceptions.PolarsError, OSError) as error:
            told = ", ".join(f"{column}: {dtype}" for column, dtype in schema.items())
            raise ArchiveError(
                f"cannot be read: {str(error).splitlines()[0]}",
                where=path,
                expected=told,
                fix="bring the table in again",
            ) from None

    def _there(self, found: T) -> T:
        """What was found; where nothing was, it is seen to that the archive is still there: it may be moved while it is read."""
        if not found and self._was_there and not (self.path / layout.MANIFEST).exists():
            raise ArchiveError(
                "is no longer there",
                where=self.path,
                expected="the archive to stay where it is while it is read",
                fix="run the command again",
            )
        return found

    def session_dates(self, timestamps: pl.Series) -> pl.Series:
        """The session's date of each daily bar's timestamp, as "date"."""
        return pl.Series("date", self._days(timestamps)).cast(pl.Date)

    def _days(self, timestamps: pl.Series) -> NDArray[np.int64]:
        """As `_session_dates`, in days since 1970-01-01. A time zone is looked up slowly, so that is done once for each hour."""
        times: NDArray[np.int64] = timestamps.to_physical().to_numpy()
        if len(times) and self.calendar.is_overnight(
            *(_date(at) for at in (times.min(), times.max()))
        ):
            return np.where(
                (days := self.calendar.open_at(times)) != NO_DAY, days, self._local_days(times)
            )
        first, last = (int(times.min()) // HOUR, int(times.max()) // HOUR) if len(times) else (0, 0)
        if len(times) < last - first:
            return self._local_days(times)
        hours = HOUR * np.arange(first, last + 1)
        begins, ends = self._local_days(hours), self._local_days(hours + HOUR - 1)
        at = times // HOUR - first
        days = begins[at]
        if (begins != ends).any():  # hours in which a day ends
            rows = np.flatnonzero((begins != ends)[at])
            days[rows] = self._local_days(times[rows])
        return days

    def _local_days(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        local = (
            pl.Series(times)
            .cast(BAR_SCHEMA["timestamp"])
            .dt.convert_time_zone(str(self.calendar.tz))
        )
        days: NDArray[np.int64] = local.dt.date().to_physical().cast(pl.Int64).to_numpy()
        return days

    def _daily_dtypes(self, columns: Sequence[str]) -> dict[str, pl.DataType]:
        return {name: BAR_SCHEMA[name] for name in columns}
