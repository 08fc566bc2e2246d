"""The symbols that have daily bars, for finding intraday bars without one."""

from __future__ import annotations

import datetime as dt

import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk.bar_files import read_bars
from engine.clock.calendar import Session
from engine.errors import ArchiveError


class DailySymbols:
    """The tickers that have a daily bar, session by session in order; a year is read at once."""

    def __init__(self, archive: Archive):
        self._archive = archive
        self._year = 0
        self._symbols: pl.DataFrame | None = None

    def lacking(self, bars: pl.DataFrame, session: Session) -> list[str]:
        """The tickers, sorted, that have bars in a session's regular hours and no daily bar.

        None where that cannot be read.
        """
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
        present = self._symbols.filter(pl.col("day") == (session.date - dt.date(1970, 1, 1)).days)[
            "symbol"
        ]
        return regular.filter(~regular.is_in(present.implode())).to_list()

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
