"""What an archive holds, in numbers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pyarrow.parquet as pq

from engine.archive import layout
from engine.archive.archive import Archive
from engine.clock.interval import Interval


@dataclass(frozen=True)
class IntervalInfo:
    """One interval of an archive; coverage is bars present over bars expected of every symbol in every session."""

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
    """Read footers and daily bars, no intraday bars."""
    symbols = len(archive.symbols())
    intervals = tuple(_interval(archive, name, symbols) for name in archive.intervals)
    actions = len(archive.corporate_actions())
    return ArchiveInfo(str(archive.path), archive.exchange, archive.manifest.source, symbols, actions, intervals)


def _interval(archive: Archive, name: str, symbols: int) -> IntervalInfo:
    dates = archive.sessions(name)
    if name == "1d":
        files = [layout.daily_file(archive.path, year) for year in layout.daily_years(archive.path)]
        expected = len(dates)
    else:
        files = [layout.session_file(archive.path, name, date) for date in dates]
        minutes = Interval.parse(name).minutes
        sessions = archive.calendar.sessions(dates[0], dates[-1]) if dates else []
        there = set(dates)
        expected = sum(session.minutes // minutes for session in sessions if session.date in there)
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    size = sum(file.stat().st_size for file in files)
    coverage = 100.0 * rows / (expected * symbols) if expected and symbols else 0.0
    return IntervalInfo(name, len(dates), dates[0] if dates else None, dates[-1] if dates else None, rows, size, coverage)
