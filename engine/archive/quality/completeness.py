"""How complete the bars of each symbol and session are, and what is odd about them.

Regular hours alone count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.archive.archive import Archive
from engine.archive.disk.bar_files import in_order
from engine.archive.quality.anomalies import KINDS, mark_anomalies
from engine.archive.vendor_files.validate import CROSSED
from engine.clock.calendar import Session
from engine.clock.interval import MICROS_A_MINUTE, Interval
from engine.errors import ArchiveError, did_you_mean
from engine.schema import ARCHIVE_QUALITY_SCHEMA, BAR_SCHEMA, TIMESTAMP

FLAGS = (*KINDS, "crossed")


class ArchiveQuality:
    """The quality of an archive's sessions from `start` to `end`: ARCHIVE_QUALITY_SCHEMA, a frame a
    session.

    symbols  all, or those that are named; one is expected from its first session in the archive to
             its last
    dates    the sessions
    """

    def __init__(
        self,
        archive: Archive,
        start: dt.date | None = None,
        end: dt.date | None = None,
        symbols: Sequence[str] = (),
    ):
        self._archive, self._interval = archive, archive.manifest.base
        dates = [
            date
            for date in archive.sessions(self._interval.name)
            if (not start or start <= date) and (not end or date <= end)
        ]
        sessions = archive.calendar.sessions(dates[0], dates[-1]) if dates else []
        with_bars = set(dates)
        self._sessions = [session for session in sessions if session.date in with_bars]
        if not self._sessions:
            raise ArchiveError(
                "no sessions in these dates", where=archive.path, expected="dates with bars"
            )
        self._listed = _listed(archive, symbols)
        self.symbols: list[str] = self._listed["symbol"].to_list()
        self.dates = [session.date for session in self._sessions]
        self._year: tuple[int, dict[object, pl.DataFrame]] = 0, {}

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for session in self._sessions:
            expected = self._listed.filter(
                pl.col("first") <= session.date, pl.col("last") >= session.date
            ).select("symbol")
            bars = (
                self._daily(session)
                if self._interval.is_daily
                else _bars(self._archive, session.date, self._interval)
            )
            yield session_quality(
                bars.join(expected, on="symbol", how="semi", maintain_order="left"),
                expected,
                session,
                self._interval,
            )

    def _daily(self, session: Session) -> pl.DataFrame:
        """A session's daily bars; a whole year is read at a time and kept."""
        year = session.date.year
        if self._year[0] != year:
            values = [name for name in BAR_SCHEMA if name not in ("symbol", "timestamp")]
            bars = self._archive.read_daily(values, dt.date(year, 1, 1), dt.date(year + 1, 1, 1))
            self._year = (
                year,
                {date: own for (date,), own in bars.partition_by("date", as_dict=True).items()},
            )
        opens = pl.lit(session.open).cast(TIMESTAMP)
        return self._year[1][session.date].with_columns(timestamp=opens).select(*BAR_SCHEMA)


class QualityTotals:
    """Sums over sessions, so that memory does not grow with them.

    The sessions are put into `columns` of equal length for a map.
    """

    def __init__(self, quality: ArchiveQuality, columns: int):
        self._symbols, self._dates = pl.Enum(quality.symbols), quality.dates
        self._columns = min(columns, len(quality.dates))
        shape = (len(quality.symbols), self._columns)
        self._expected, self._present = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._sessions, self._gap = np.zeros(shape[0], np.int64), np.zeros(shape[0])
        self._worst, self._worst_at = np.full(shape[0], np.inf), np.zeros(shape[0], np.int64)
        self._flags = {name: np.zeros(shape[0], np.int64) for name in FLAGS}

    def add(self, number: int, rows: pl.DataFrame) -> None:
        """Take in session `number` of the dates."""
        ids, column = (
            rows["symbol"].cast(self._symbols).to_physical().to_numpy(),
            self._column(number),
        )
        self._expected[ids, column] += rows["expected"].to_numpy()
        self._present[ids, column] += rows["present"].to_numpy()
        self._sessions[ids] += 1
        self._gap[ids] = np.maximum(self._gap[ids], rows["longest_gap"].to_numpy())
        percent = rows["quality_percent"].to_numpy()
        worse = ids[percent < self._worst[ids]]
        self._worst[ids] = np.minimum(self._worst[ids], percent)
        self._worst_at[worse] = number
        for name, counts in self._flags.items():
            counts[ids] += rows[name].to_numpy()

    @property
    def by_symbol(self) -> pl.DataFrame:
        """A row a symbol, the least complete first."""
        expected, present = self._expected.sum(axis=1), self._present.sum(axis=1)
        frame = pl.DataFrame(
            {
                "symbol": self._symbols.categories,
                "sessions": self._sessions,
                "expected": expected,
                "present": present,
                "quality_percent": np.round(100.0 * present / np.maximum(1, expected), 4),
                "worst_session": pl.Series(self._dates, dtype=pl.Date).gather(self._worst_at),
                "worst_percent": self._worst,
                "longest_gap": self._gap,
                **self._flags,
            }
        )
        return frame.filter(pl.col("sessions") > 0).sort("quality_percent", "symbol")

    def map(self, symbols: Sequence[str]) -> NDArray[np.float64]:
        """float64[symbols, columns]: quality in percent; NaN where a symbol is not expected."""
        ids = pl.Series(symbols, dtype=self._symbols).to_physical().to_numpy()
        return _percent(self._present[ids], self._expected[ids])

    @property
    def market(self) -> NDArray[np.float64]:
        """float64[columns]: the same of all symbols together."""
        return _percent(self._present.sum(axis=0), self._expected.sum(axis=0))

    @property
    def columns(self) -> list[dt.date]:
        """The first session of each column."""
        first = dict(
            reversed([(self._column(number), date) for number, date in enumerate(self._dates)])
        )
        return [first[column] for column in range(self._columns)]

    def _column(self, number: int) -> int:
        return number * self._columns // len(self._dates)


def _percent(present: NDArray[np.int64], expected: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(expected > 0, 100.0 * present / np.maximum(1, expected), np.nan)


def session_quality(
    bars: pl.DataFrame, symbols: pl.DataFrame, session: Session, interval: Interval
) -> pl.DataFrame:
    """ARCHIVE_QUALITY_SCHEMA of a session's bars in order, a row for each of `symbols` (one column,
    sorted).
    """
    start, expected = pl.col("timestamp").dt.epoch("us"), session.bars(interval)
    regular = mark_anomalies(
        bars.filter(start >= session.open, start < session.close)
    ).with_columns(crossed=CROSSED)
    end, pauses = start + interval.micros, (session.break_start, session.break_end)
    gaps = (
        _without_break(pl.lit(session.open), start.first(), *pauses),
        _without_break(end.shift(), start, *pauses).max(),
        _without_break(end.last(), pl.lit(session.close), *pauses),
    )
    found = regular.group_by("symbol", maintain_order=True).agg(
        pl.len().alias("present"),
        (pl.max_horizontal(*gaps).clip(0) / MICROS_A_MINUTE).alias("longest_gap"),
        pl.col("timestamp").first().alias("first_bar"),
        pl.col("timestamp").last().alias("last_bar"),
        *(pl.col(name).sum() for name in FLAGS),
    )
    told = symbols.join(found, on="symbol", how="left", maintain_order="left").with_columns(
        pl.lit(session.date).alias("session"),
        pl.lit(expected).alias("expected"),
        pl.col("present", *FLAGS).fill_null(0),
        pl.col("longest_gap").fill_null(float(session.trading_minutes)),
    )
    told = told.with_columns(
        (100.0 * pl.col("present") / expected).round(4).alias("quality_percent")
    )
    return told.select(*ARCHIVE_QUALITY_SCHEMA).cast(pl.Schema(ARCHIVE_QUALITY_SCHEMA))


def _without_break(start: pl.Expr, end: pl.Expr, break_start: int, break_end: int) -> pl.Expr:
    """Microseconds from `start` to `end`, but for those of the lunch break.

    Both of that are 0 without one.
    """
    pause = pl.min_horizontal(end, pl.lit(break_end)) - pl.max_horizontal(
        start, pl.lit(break_start)
    )
    return (end - start).clip(0) - pause.clip(0)


def regular_counts(
    archive: Archive, session: Session, interval: Interval
) -> tuple[Sequence[str], np.ndarray]:
    """The symbols of an intraday session, and how many bars of regular hours each has (int64)."""
    index = archive.read_session_index(session.date, interval.name)
    frame = archive.read_session(
        session.date, ["timestamp"] if index else ["symbol", "timestamp"], interval.name
    )
    times = frame["timestamp"].to_physical().to_numpy()
    inside = (times >= session.open) & (times < session.close)
    if index is None:
        found = frame.filter(pl.Series(inside)).group_by("symbol", maintain_order=True).len()
        return found["symbol"].to_list(), found["len"].cast(pl.Int64).to_numpy()
    total = np.concatenate([[0], np.cumsum(inside)])
    ends = np.cumsum(index[1])
    return index[0], total[ends] - total[ends - index[1]]


def _listed(archive: Archive, symbols: Sequence[str]) -> pl.DataFrame:
    """One row a symbol: `symbol`, `first` and `last`, the dates of its first and last daily bar."""
    daily = archive.read_daily([], None, None)
    listed = (
        daily.group_by("symbol")
        .agg(pl.col("date").min().alias("first"), pl.col("date").max().alias("last"))
        .sort("symbol")
    )
    known = listed["symbol"].to_list()
    for symbol in symbols:
        if symbol not in known:
            raise ArchiveError(
                f"no symbol {symbol!r}",
                where=archive.path,
                expected="a symbol of the archive",
                fix=did_you_mean(symbol, known),
            )
    return listed.filter(pl.col("symbol").is_in(list(symbols))) if symbols else listed


def _bars(archive: Archive, date: dt.date, interval: Interval) -> pl.DataFrame:
    bars = archive.read_session(date, list(BAR_SCHEMA), interval.name)
    return (
        bars
        if in_order(bars)
        else bars.sort("symbol", "timestamp").unique(["symbol", "timestamp"], maintain_order=True)
    )
