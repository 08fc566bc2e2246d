"""What a scanner's helper keeps in memory: the closes of each session that it has read, by date alone."""

from __future__ import annotations

import datetime as dt

import polars as pl

from engine.archive.archive import Archive

CLOSES: dict[dt.date, dict[str, float]] = {}


def closes_of(archive: str, date: dt.date) -> dict[str, float]:
    """The last price of each symbol."""
    if date not in CLOSES:
        bars = Archive.open(archive).read_session(date, ["symbol", "timestamp", "close"])
        CLOSES[date] = dict(bars.group_by("symbol").agg(pl.col("close").last()).iter_rows())
    return CLOSES[date]
