"""What an archive holds, in numbers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from engine.archive.archive import Archive
from engine.archive.disk.bar_files import count_rows, size_of
from engine.archive.in_place import ForeignFiles
from engine.clock.interval import Interval


@dataclass(frozen=True)
class IntervalInfo:
    """One interval of an archive.

    coverage_percent  bars present, of the bars that every symbol would have in every session
    """

    interval: str
    sessions: int
    first: dt.date | None
    last: dt.date | None
    rows: int
    bytes: int
    coverage_percent: float


@dataclass(frozen=True)
class ArchiveInfo:
    """An archive at a glance."""

    path: str
    exchange: str
    source: str
    symbols: int
    corporate_actions: int
    intervals: tuple[IntervalInfo, ...]


def describe(archive: Archive) -> ArchiveInfo:
    """Count an archive's bars from Parquet footers and daily bars, without reading intraday bars.

    Raises ArchiveError naming a file that cannot be read.
    """
    symbols = len(archive.symbols())
    intervals = tuple(_interval(archive, name, symbols) for name in archive.intervals)
    actions = len(archive.corporate_actions())
    return ArchiveInfo(
        str(archive.path), archive.exchange, archive.manifest.source, symbols, actions, intervals
    )


def _interval(archive: Archive, name: str, symbols: int) -> IntervalInfo:
    dates = archive.sessions(name)
    if name == "1d":
        files = [archive.daily_file(year) for year in archive.daily_years()]
        expected = len(dates)
    else:
        files = [path for date in dates for path in archive.files.paths(name, date)]
        interval, there = Interval.parse(name), set(dates)
        sessions = archive.calendar.sessions(dates[0], dates[-1]) if dates else []
        expected = sum(session.bars(interval) for session in sessions if session.date in there)
    rows = _rows(archive, name, files)
    size = sum(size_of(file) for file in files)
    coverage = 100.0 * rows / (expected * symbols) if expected and symbols else 0.0
    return IntervalInfo(
        name,
        len(dates),
        dates[0] if dates else None,
        dates[-1] if dates else None,
        rows,
        size,
        coverage,
    )


def _rows(archive: Archive, name: str, files: list[Path]) -> int:
    if isinstance(archive.files, ForeignFiles) and name != "1d":
        return archive.files.catalogue().rows
    return sum(count_rows(file) for file in files)
