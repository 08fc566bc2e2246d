"""An archive, for reading."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from engine.archive import layout
from engine.archive.files import read_bars, read_index
from engine.clock.calendar import ExchangeCalendar
from engine.errors import ArchiveError
from engine.schema import BAR_SCHEMA, CORPORATE_ACTIONS_SCHEMA

FOOTER_BYTES = 1 << 16  # the end of a Parquet file: its schema, statistics, sizes and symbol counts


class Archive:
    """Bars of one exchange; see the layout in docs/archives.md."""

    def __init__(self, path: Path, manifest: layout.ArchiveManifest):
        self.path, self.manifest = path, manifest

    @classmethod
    def open(cls, path: str | Path) -> Archive:
        """The archive in a folder; ArchiveError where there is none."""
        return cls(Path(path), layout.read_manifest(Path(path)))

    @property
    def exchange(self) -> str:
        """Market identifier code."""
        return self.manifest.exchange

    @property
    def intervals(self) -> tuple[str, ...]:
        """Names of the intervals that are stored."""
        return self.manifest.intervals

    @property
    def calendar(self) -> ExchangeCalendar:
        """The exchange's calendar."""
        return ExchangeCalendar.of(self.exchange)

    def sessions(self, interval: str = "1m") -> list[dt.date]:
        """The dates that have bars of an interval, increasing; those of intraday intervals without opening a file."""
        return self._daily_dates if interval == "1d" else layout.session_dates(self.path, interval)

    def symbols(self) -> list[str]:
        """All symbols, sorted: those of the daily bars, which every import keeps up to date."""
        return list(self._symbols)

    def read_session(self, date: dt.date, columns: Sequence[str], interval: str = "1m") -> pl.DataFrame:
        """Columns of one session's bars, in the file's order: by symbol, then time."""
        return read_bars(layout.session_file(self.path, interval, date), columns)

    def read_session_index(self, date: dt.date, interval: str = "1m") -> tuple[list[str], np.ndarray] | None:
        """A session's symbols and their row counts (int64) in the file's order, where its metadata tells them."""
        return read_index(layout.session_file(self.path, interval, date))

    def read_daily(self, columns: Sequence[str], start: dt.date | None, end: dt.date | None) -> pl.DataFrame:
        """Daily bars with start <= session date < end: symbol, date, columns; sorted by symbol and date."""
        years = [y for y in layout.daily_years(self.path) if (not start or y >= start.year) and (not end or y <= end.year)]
        years = [] if start and end and start >= end else years
        names = dict.fromkeys(["symbol", "timestamp", *columns])
        frames = [read_bars(layout.daily_file(self.path, year), list(names)) for year in years]
        if not frames:
            return pl.DataFrame(schema={"symbol": pl.String, "date": pl.Date, **self._daily_dtypes(columns)})
        within = pl.lit(True)
        within = within & (pl.col("date") >= start) if start else within
        within = within & (pl.col("date") < end) if end else within
        bars = pl.concat(frames)
        frame = bars.with_columns(self._session_dates(bars["timestamp"])).filter(within).select("symbol", "date", *columns)
        return frame if len(frames) == 1 else frame.sort("symbol", "date")  # a year's file is sorted

    def corporate_actions(self) -> pl.DataFrame:
        """CORPORATE_ACTIONS_SCHEMA; empty where the archive has none."""
        path = self.path / layout.ACTIONS
        if not path.exists():
            return pl.DataFrame(schema=CORPORATE_ACTIONS_SCHEMA)
        frame = pl.read_parquet(path)
        missing = [name for name in CORPORATE_ACTIONS_SCHEMA if name not in frame.columns]
        if missing:
            raise ArchiveError(f"no column {', '.join(missing)}", where=path, expected=", ".join(CORPORATE_ACTIONS_SCHEMA))
        return frame.select(*CORPORATE_ACTIONS_SCHEMA).cast(pl.Schema(CORPORATE_ACTIONS_SCHEMA))

    def digest(self) -> str:
        """16 hex digits that change when a bar does: of every file's relative path, size and Parquet footer."""
        found = hashlib.sha256()
        files = [*self.path.glob("bars/*/*/bars.parquet"), self.path / layout.ACTIONS]
        for path in sorted(file for file in files if file.exists()):
            with path.open("rb") as handle:
                size = handle.seek(0, 2)
                handle.seek(max(0, size - FOOTER_BYTES))
                found.update(f"{path.relative_to(self.path).as_posix()}\0{size}\0".encode() + handle.read())
        return found.hexdigest()[:16]

    @cached_property
    def _daily_dates(self) -> list[dt.date]:
        years = [read_bars(layout.daily_file(self.path, year), ["timestamp"]) for year in layout.daily_years(self.path)]
        starts = pl.concat(years).unique() if years else pl.DataFrame(schema={"timestamp": BAR_SCHEMA["timestamp"]})
        return self._session_dates(starts["timestamp"]).unique().sort().to_list()

    @cached_property
    def _symbols(self) -> list[str]:
        years = [read_bars(layout.daily_file(self.path, year), ["symbol"]) for year in layout.daily_years(self.path)]
        return pl.concat(years)["symbol"].unique().sort().to_list() if years else []

    def _session_dates(self, timestamps: pl.Series) -> pl.Series:
        """The exchange's date of each, as "date". Few are different, and a time zone is looked up slowly."""
        starts, found = timestamps.unique().sort(), timestamps.to_physical().to_numpy()
        dates = starts.dt.convert_time_zone(str(self.calendar.tz)).dt.date()
        return dates.gather(np.searchsorted(starts.to_physical().to_numpy(), found)).alias("date")

    def _daily_dtypes(self, columns: Sequence[str]) -> dict[str, pl.DataType]:
        return {name: BAR_SCHEMA[name] for name in columns}
