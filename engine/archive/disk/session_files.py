"""The files of an archive's sessions: ours, in our layout."""

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
    """Where an archive's bars come from."""

    root: Path  # the folder that all files are below

    @property
    def daily_root(self) -> Path:
        """The folder below which daily bars lie in our layout."""

    def all_paths(self) -> list[Path]:
        """Every file of bars, sorted."""

    def intervals(self) -> tuple[str, ...]:
        """Names of the intervals that there are."""

    def dates(self, interval: str) -> list[dt.date]:
        """The sessions that have bars of an intraday interval, increasing."""

    def paths(self, interval: str, date: dt.date) -> list[Path]:
        """The files of a session."""

    def read(self, interval: str, date: dt.date, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a session's bars, by symbol, then time; raises ArchiveError."""

    def read_raw(self, interval: str, date: dt.date) -> pl.DataFrame:
        """Every row there is of a session in BAR_SCHEMA, as it is, for those who look for what is wrong."""

    def span(self, interval: str, date: dt.date) -> tuple[int, int] | None:
        """Start of a session's first bar and of its last, microseconds, where they can be told without reading bars."""

    def index(self, interval: str, date: dt.date) -> tuple[list[str], np.ndarray] | None:
        """A session's symbols and their row counts in order, where they can be told without reading bars."""


class OwnFiles:
    """An imported archive's: one sorted Parquet file a session."""

    def __init__(self, root: Path, manifest: layout.ArchiveManifest):
        self.root = self.daily_root = root
        self._manifest = manifest

    def all_paths(self) -> list[Path]:
        return sorted(self.root.glob("bars/*/*/bars.parquet"))

    def intervals(self) -> tuple[str, ...]:
        return self._manifest.intervals

    def dates(self, interval: str) -> list[dt.date]:
        return layout.session_dates(self.root, interval)

    def paths(self, interval: str, date: dt.date) -> list[Path]:
        return [layout.session_file(self.root, interval, date)]

    def read(self, interval: str, date: dt.date, columns: Sequence[str]) -> pl.DataFrame:
        return read_bars(layout.session_file(self.root, interval, date), columns)

    def read_raw(self, interval: str, date: dt.date) -> pl.DataFrame:
        return self.read(interval, date, list(BAR_SCHEMA))

    def span(self, interval: str, date: dt.date) -> tuple[int, int] | None:
        return read_span(layout.session_file(self.root, interval, date))

    def index(self, interval: str, date: dt.date) -> tuple[list[str], np.ndarray] | None:
        return read_index(layout.session_file(self.root, interval, date))
