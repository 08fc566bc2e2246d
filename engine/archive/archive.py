"""An archive of bars, for reading: sessions of intraday bars, years of daily bars, tables beside
them.

The bars lie in files of our own layout or are read in place (`SessionFiles`); `Archive` reads both
alike. It renames tickers to symbols (`SymbolMap`), so callers see symbols only.
"""

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

    symbols  str[symbols], sorted
    counts   int64[symbols], how many bars each symbol has
    days     int64[bars], the session's date in days since 1970-01-01
    columns  name -> float64[bars]; timestamps in microseconds UTC
    """

    symbols: Sequence[str]
    counts: NDArray[np.int64]
    days: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]


class Archive:
    """Bars of one exchange, imported or read in place; see docs/archives.md.

    left_out  dates of sessions to treat as if they had no file

    Reading bars that archive.json names but that are missing on disk raises ArchiveError.
    """

    may_lack_parts = False  # True: missing files are no error

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
        # False only while archive.json of files in place is still to be written.
        self._had_manifest = (path / layout.MANIFEST).exists()

    @classmethod
    def open(cls, path: str | Path) -> Archive:
        """The archive in a folder; ArchiveError where there is none."""
        # Absolute, because a plug-in may change the current directory.
        return cls(Path(path).absolute(), layout.read_manifest(Path(path)))

    def without(self, sessions: Iterable[dt.date]) -> Archive:
        """The archive as if these sessions had no intraday files; daily bars stay the same."""
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
        """The dates that have bars of an interval, increasing.

        For intraday intervals no file is opened.
        """
        if interval == "1d":
            return self._daily_dates
        dates = self._or_gone(self.files.dates(interval))
        if not dates:
            self._refuse_missing(interval)
        return [date for date in dates if date not in self.left_out]

    def symbols(self) -> list[str]:
        """All symbols that have daily bars, sorted; every import keeps daily bars up to date."""
        return list(self._symbols)

    def read_session(
        self, date: dt.date, columns: Sequence[str], interval: str = "1m"
    ) -> pl.DataFrame:
        """Columns of one session's bars, sorted by symbol and time.

        Where `symbol` is not among the columns, rows are in the file's order, which a symbol map
        may make differ from the order of symbols.
        """
        bars = self.files.read(interval, date, columns)
        return (
            self.symbol_map.rename_session(bars, date)
            if self.symbol_map and "symbol" in columns
            else bars
        )

    def read_session_index(
        self, date: dt.date, interval: str = "1m"
    ) -> tuple[list[str], np.ndarray] | None:
        """A session's symbols and their row counts, int64[symbols], in the file's order.

        None where the file's metadata does not hold them. A symbol is NOBODY where the symbol map
        gives the ticker to no symbol on that date.
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
        """Daily bars with start <= session date < end: `symbol`, `date`, then the columns.

        Sorted by symbol and date; None leaves a side open.
        """
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
        # One year's file is sorted already.
        return frame if len(frames) == 1 else frame.sort("symbol", "date")

    def daily_years(self) -> list[int]:
        """The years that have daily bars, increasing."""
        years = self._or_gone(layout.daily_years(self.files.daily_root))
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
        """Session dates of a year's daily bars: int64[bars], days since 1970-01-01, file order."""
        return self._days(read_bars(self.daily_file(year), ["timestamp"])["timestamp"])

    def corporate_actions(self) -> pl.DataFrame:
        """CORPORATE_ACTIONS_SCHEMA; empty where the archive has none."""
        return self._read_table(layout.ACTIONS, CORPORATE_ACTIONS_SCHEMA)

    @cached_property
    def symbol_map(self) -> SymbolMap:
        """Which symbol had which ticker when; empty where every ticker is its own symbol."""
        return SymbolMap(
            self._read_table(layout.SYMBOL_MAP, SYMBOL_MAP_SCHEMA), self.path / layout.SYMBOL_MAP
        )

    def digest(self) -> str:
        """16 hex digits that change when a bar does.

        A digest of every file's relative path, size and Parquet footer (which has checksums).
        """
        digest = hashlib.sha256()
        tables = (self.path / layout.ACTIONS, self.path / layout.SYMBOL_MAP)
        for path in [
            *self._or_gone(self.files.all_paths()),
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
            digest.update(f"{os.path.relpath(path, self.files.root)}\0{size}\0".encode() + end)
        return digest.hexdigest()[:16]

    def _refuse_missing(self, interval: str) -> None:
        """Raise ArchiveError where archive.json names the interval and it has no bars."""
        if interval in self.intervals and not self.may_lack_parts:
            raise missing_interval(self.path, self.files, interval)

    @cached_property
    def _missing_year(self) -> ArchiveError | None:
        """The error of a year that has intraday sessions and no file of daily bars, or None.

        Daily bars of files in place are made when the files are read, so none can be missing.
        """
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
        """The distinct timestamps of a year's daily bars, Datetime[sessions] in UTC."""
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
        if not self._or_gone(path.exists()):
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
            columns = ", ".join(f"{column}: {dtype}" for column, dtype in schema.items())
            raise ArchiveError(
                f"cannot be read: {str(error).splitlines()[0]}",
                where=path,
                expected=columns,
                fix="bring the table in again",
            ) from None

    def _or_gone(self, found: T) -> T:
        """`found` itself.

        ArchiveError where it is empty because the archive has been moved away.
        """
        if not found and self._had_manifest and not (self.path / layout.MANIFEST).exists():
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
        """Session dates of daily bars' timestamps: int64[bars], days since 1970-01-01.

        Converting a time to the exchange's zone is slow, so it is done once for each hour that
        occurs; only in an hour in which a day ends is it done for each bar.
        """
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
        hour_ids = times // HOUR - first
        days = begins[hour_ids]
        if (begins != ends).any():  # hours in which a day ends
            rows = np.flatnonzero((begins != ends)[hour_ids])
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
