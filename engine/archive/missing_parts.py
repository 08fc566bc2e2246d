"""Parts that an archive is to have, by its archive.json and its other bars, and that are gone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from engine.archive import layout
from engine.archive.files import read_bars
from engine.archive.in_place import ForeignFiles
from engine.archive.session_files import SessionFiles
from engine.clock.calendar import Session
from engine.errors import ArchiveError

if TYPE_CHECKING:
    from engine.archive.archive import Archive


def missing_interval(root: Path, files: SessionFiles, interval: str) -> ArchiveError:
    """Of an interval that archive.json names and that has no bars."""
    if isinstance(files, ForeignFiles):
        told = ", ".join(
            f"{count:,} {reason}" for reason, count in files.catalogue().left_out.most_common()
        )
        return ArchiveError(
            "no bars in the files" + (f"; rows left out: {told}" if told else ""),
            where=files.root / files.template,
            expected="bars of the exchange's sessions",
            fix="look at exchange, timezone, epoch_unit and label in archive.json",
        )
    return ArchiveError(
        f"no {interval} bars, though archive.json names them",
        where=root / "bars" / f"interval={interval}",
        expected="the files of every interval that archive.json names",
        fix=f"put them back, or import the bars again (without bars that you do not want: take {interval} out of archive.json)",
    )


def years_without_days(archive: Archive) -> ArchiveError | None:
    """Of years that have intraday sessions and no file of daily bars, which is where symbols and earlier closes come from."""
    years = layout.daily_years(archive.files.daily_root)
    for interval in archive.intervals if "1d" in archive.intervals else ():
        dates = archive.files.dates(interval) if interval != "1d" else []
        for year in sorted({date.year for date in dates} - set(years)):
            sessions = sum(date.year == year for date in dates)
            return ArchiveError(
                f"no daily bars of {year}, though there are {sessions} sessions of {interval} bars",
                where=layout.daily_file(archive.files.daily_root, year).parent,
                expected="a file of daily bars a year",
                fix="put it back, or import the sessions of that year again",
            )
    return None


class DailySymbols:
    """The tickers that have a daily bar, session by session in order; a year is read at once."""

    def __init__(self, archive: Archive):
        self._archive = archive
        self._year = 0
        self._symbols: pl.DataFrame | None = None

    def lacking(self, bars: pl.DataFrame, session: Session) -> list[str]:
        """The tickers, sorted, that have bars in a session's regular hours and no daily bar; none where that cannot be read."""
        if session.date.year != self._year:
            self._year = session.date.year
            self._symbols = self._read(self._year)
        start = pl.col("timestamp").dt.epoch("us")
        regular = (
            bars.filter(start >= session.open, start < session.close)["symbol"]
            .drop_nulls()
            .unique()
            .sort()
        )
        if self._symbols is None:
            return []
        there = self._symbols.filter(pl.col("day") == (session.date - dt.date(1970, 1, 1)).days)[
            "symbol"
        ]
        return regular.filter(~regular.is_in(there.implode())).to_list()

    def _read(self, year: int) -> pl.DataFrame | None:
        path = self._archive.daily_file(year)
        if not path.exists():
            return pl.DataFrame(schema={"symbol": pl.String, "day": pl.Int64})
        try:
            return read_bars(path, ["symbol"]).with_columns(
                day=pl.Series(self._archive.daily_days(year))
            )
        except ArchiveError:
            return None
