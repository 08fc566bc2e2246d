"""Where an archive reads its sessions from: the protocol, and the files of an imported archive."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl

from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_bars, read_index, read_span
from engine.schema import BAR_SCHEMA


class SessionFiles(Protocol):
    """The files of an archive: `OwnFiles` of an import, or `ForeignFiles` read in place."""

    root: Path  # the folder that all files are below

    @property
    def daily_root(self) -> Path:
        """The folder with the files of daily bars (layout.daily_file)."""

    def all_paths(self) -> list[Path]:
        """Every file of bars, sorted."""

    def intervals(self) -> tuple[str, ...]:
        """Names of the stored intervals."""

    def dates(self, interval: str) -> list[dt.date]:
        """The sessions that have bars of an intraday interval, increasing."""

    def paths(self, interval: str, date: dt.date) -> list[Path]:
        """The files of a session."""

    def read(self, interval: str, date: dt.date, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a session's bars, by symbol, then time; raises ArchiveError."""

    def read_raw(self, interval: str, date: dt.date) -> pl.DataFrame:
        """Every row of a session in BAR_SCHEMA, unsorted and unchecked, for `archive check`."""

    def span(self, interval: str, date: dt.date) -> tuple[int, int] | None:
        """Start of a session's first and last bar, microseconds UTC.

        None where it is not known without reading bars.
        """

    def index(self, interval: str, date: dt.date) -> tuple[list[str], np.ndarray] | None:
        """A session's symbols and their row counts, int64[symbols], in file order.

        None where they are not known without reading bars.
        """


class OwnFiles:
    """The files of an imported archive: one sorted Parquet file a session."""

    def __init__(self, root: Path, manifest: layout.ArchiveManifest):
        self.root = self.daily_root = root
        self._manifest = manifest

    def all_paths(self) -> list[Path]:
        """Every file of bars, sorted."""
        return sorted(self.root.glob("bars/*/*/bars.parquet"))

    def intervals(self) -> tuple[str, ...]:
        """Names of the stored intervals."""
        return self._manifest.intervals

    def dates(self, interval: str) -> list[dt.date]:
        """The sessions that have a file, increasing."""
        return layout.session_dates(self.root, interval)

    def paths(self, interval: str, date: dt.date) -> list[Path]:
        """The session's one file."""
        return [layout.session_file(self.root, interval, date)]

    def read(self, interval: str, date: dt.date, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a session's bars, sorted by symbol and time; raises ArchiveError."""
        return read_bars(layout.session_file(self.root, interval, date), columns)

    def read_raw(self, interval: str, date: dt.date) -> pl.DataFrame:
        """Every row of a session in BAR_SCHEMA, as stored."""
        return self.read(interval, date, list(BAR_SCHEMA))

    def span(self, interval: str, date: dt.date) -> tuple[int, int] | None:
        """Start of the first and the last bar, microseconds UTC, from the file's statistics."""
        return read_span(layout.session_file(self.root, interval, date))

    def index(self, interval: str, date: dt.date) -> tuple[list[str], np.ndarray] | None:
        """The session's symbols and their row counts, from the file's metadata."""
        return read_index(layout.session_file(self.root, interval, date))
