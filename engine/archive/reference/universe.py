"""Universes: which symbols to scan, as of each session.

Where an archive has a map of tickers, the names in lists and membership files are tickers of their
day (`SymbolMap.members`).
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.archive.archive import Archive
from engine.archive.reference.small_tables import TableForm, read_table
from engine.errors import ArchiveError, BarsweepError, UniverseError, did_you_mean
from engine.schema import MEMBERSHIP_SCHEMA

DEFAULT_SESSIONS = 20
MEMBERSHIP_FORM = TableForm(
    schema=MEMBERSHIP_SCHEMA,
    aliases={
        "symbol": ("ticker",),
        "start_date": ("start", "from", "date_added"),
        "end_date": ("end", "to", "thru", "date_removed"),
    },
    needed=("symbol", "start_date"),
)
FORMS = (
    'a text file, a membership .parquet or .csv, a list of symbols, "all", '
    'or {"top_dollar_volume": N, "sessions": N}'
)


class Universe(ABC):
    """Which symbols are scanned in which session.

    unknown        symbols that the universe names and the archive does not have
    point_in_time  whether membership has dates; False for a list as of today or of no date
    """

    unknown: Sequence[str] = ()
    point_in_time = True

    @abstractmethod
    def members(self, date: dt.date) -> list[str]:
        """The members on a session's date, sorted; all of them are in the archive."""

    @abstractmethod
    def everyone(self, start: dt.date, end: dt.date) -> list[str]:
        """All symbols of the archive that are members on some date from start to end, sorted."""

    def named(self, start: dt.date, end: dt.date) -> list[str]:
        """As `everyone`, with members that the archive does not have."""
        return self.everyone(start, end)

    def leavers(self, start: dt.date, end: dt.date) -> list[str] | None:
        """The named members whose membership ends, sorted; None where the universe has no dates."""
        return None


class FixedUniverse(Universe):
    """The same symbols at all times."""

    point_in_time = False

    def __init__(self, symbols: Sequence[str], known: Sequence[str]):
        self._members = sorted(set(symbols) & set(known))
        self.unknown = sorted(set(symbols) - set(known))

    def members(self, date: dt.date) -> list[str]:
        """The same symbols on every date, sorted."""
        return self._members

    def everyone(self, start: dt.date, end: dt.date) -> list[str]:
        """The same symbols for all dates, sorted."""
        return self._members

    def named(self, start: dt.date, end: dt.date) -> list[str]:
        """All symbols of the list, also those that the archive does not have."""
        return sorted({*self._members, *self.unknown})


class MembershipUniverse(Universe):
    """Members from start_date up to, not including, end_date."""

    def __init__(self, intervals: pl.DataFrame, known: Sequence[str], point_in_time: bool = True):
        listed = pl.col("symbol").is_in(pl.Series(known).implode())
        self.point_in_time, self._named = point_in_time, intervals
        self.unknown = intervals.filter(~listed)["symbol"].unique().sort().to_list()
        self._intervals = intervals.filter(listed)

    def members(self, date: dt.date) -> list[str]:
        """Symbols of the archive whose membership covers the date, sorted."""
        return self.everyone(date, date)

    def everyone(self, start: dt.date, end: dt.date) -> list[str]:
        """Symbols of the archive whose membership overlaps the dates, sorted."""
        return _sorted(_within(self._intervals, start, end))

    def named(self, start: dt.date, end: dt.date) -> list[str]:
        """All symbols whose membership overlaps the dates, sorted."""
        return _sorted(_within(self._named, start, end))

    def leavers(self, start: dt.date, end: dt.date) -> list[str] | None:
        """Symbols whose membership ends after `start` and does not continue in another interval."""
        if not self.point_in_time:
            return None
        ends = _within(self._named, start, end).filter(pl.col("end_date").is_not_null())
        goes_on = (pl.col("start_date_right") <= pl.col("end_date")) & (
            pl.col("end_date_right").is_null() | (pl.col("end_date_right") > pl.col("end_date"))
        )
        again = ends.join(self._named, on="symbol").filter(goes_on)
        return _sorted(ends.join(again, on=["symbol", "end_date"], how="anti"))


def _within(intervals: pl.DataFrame, start: dt.date, end: dt.date) -> pl.DataFrame:
    end_date = pl.col("end_date")
    goes_on = end_date.is_null() | (end_date > start)
    return intervals.filter((pl.col("start_date") <= end) & goes_on)


def _sorted(intervals: pl.DataFrame) -> list[str]:
    names: list[str] = intervals["symbol"].unique().sort().to_list()
    return names


class TopDollarVolume(Universe):
    """The N symbols with the largest mean close x volume over the last `sessions` sessions before
    each session.

    A symbol without a bar in one of them counts 0 for it; ties go to the symbol that sorts first.
    """

    def __init__(self, archive: Archive, count: int, sessions: int):
        self._archive, self._count, self._sessions = archive, count, sessions
        self._dates = archive.sessions("1d")
        self._ranked: dict[dt.date, list[str]] = {}

    def members(self, date: dt.date) -> list[str]:
        """The N symbols of the date, sorted by name."""
        if date not in self._ranked:
            self._ranked |= self._rank_month(date)
        return self._ranked[date]

    def everyone(self, start: dt.date, end: dt.date) -> list[str]:
        """The symbols that are among the N on some session from start to end, sorted."""
        days = [date for date in self._dates if start <= date <= end]
        return sorted({symbol for date in days for symbol in self.members(date)})

    def _rank_month(self, date: dt.date) -> dict[dt.date, list[str]]:
        """Date -> members, for the date and every session of its month.

        So daily bars are read once a month.
        """
        month = [day for day in self._dates if (day.year, day.month) == (date.year, date.month)]
        wanted = sorted({*month, date})
        first = max(0, bisect_left(self._dates, wanted[0]) - self._sessions)
        days = self._dates[first : bisect_left(self._dates, wanted[-1])]
        if not days:
            return {day: [] for day in wanted}
        symbols, turnover = self._turnover(days, wanted[-1])
        return {day: self._best(symbols, turnover, bisect_left(days, day)) for day in wanted}

    def _turnover(
        self, days: list[dt.date], end: dt.date
    ) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
        """str[symbols], sorted, and close x volume, float64[days, symbols], 0 without a bar."""
        bars = self._archive.read_daily(["close", "volume"], days[0], end)
        symbols = bars["symbol"].unique().sort()
        row = bars["date"].replace_strict(days, range(len(days)), return_dtype=pl.Int64).to_numpy()
        column = bars["symbol"].cast(pl.Enum(symbols)).to_physical().to_numpy()
        turnover = np.zeros((len(days), len(symbols)))
        turnover[row, column] = (bars["close"] * bars["volume"]).to_numpy()
        return symbols.to_numpy(), turnover

    def _best(
        self, symbols: NDArray[np.object_], turnover: NDArray[np.float64], before: int
    ) -> list[str]:
        total = turnover[max(0, before - self._sessions) : before].sum(axis=0)
        traded = np.flatnonzero(total > 0.0)
        order = traded[np.argsort(-total[traded], kind="stable")]
        return sorted(symbols[order[: self._count]].tolist())


def load_universe(spec: Any, archive: Archive, resolve: Callable[[str], Path]) -> Universe:
    """The universe that a config's `universe` names; raises UniverseError.

    resolve  finds the path of a file that the config names
    """
    if spec == "all":
        return _all(archive)
    if isinstance(spec, list):
        return _fixed(_clean(spec, "universe"), archive, "universe")
    if isinstance(spec, dict):
        return _top(spec, archive)
    if not isinstance(spec, str) or not spec:
        raise UniverseError(f"{spec!r} is no universe", where="universe", expected=FORMS)
    path = _find(spec, resolve)
    if is_membership(path):
        return MembershipUniverse(
            archive.symbol_map.members(read_membership(path)), archive.symbols()
        )
    return _fixed(_clean(_read_lines(path), str(path)), archive, str(path))


def _find(spec: str, resolve: Callable[[str], Path]) -> Path:
    try:
        return resolve(spec)
    except BarsweepError as error:
        raise UniverseError(
            error.what, where=error.where or "universe", expected=FORMS, fix=error.fix
        ) from None


def _read_lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UniverseError(
            f"cannot be read: {error}", where=path, expected="a text file, one symbol a line"
        ) from None
    return [line.partition("#")[0] for line in lines]


def _clean(symbols: Sequence[Any], where: str) -> list[str]:
    """Upper-cased symbols without blanks and repetitions."""
    cleaned = list(
        dict.fromkeys(str(symbol).strip().upper() for symbol in symbols if str(symbol).strip())
    )
    if not cleaned:
        raise UniverseError("names no symbols", where=where, expected="at least one symbol")
    return cleaned


def _all(archive: Archive) -> Universe:
    """Every symbol of the archive; symbols of the symbol map only while they had a ticker."""
    symbols = archive.symbols()
    if not archive.symbol_map.knows(symbols):
        return FixedUniverse(symbols, symbols)
    others = _at_all_times([symbol for symbol in symbols if symbol not in archive.symbol_map])
    mapped = archive.symbol_map.intervals.select(*MEMBERSHIP_SCHEMA)
    return MembershipUniverse(pl.concat([mapped, others]), symbols, False)


def _at_all_times(names: Sequence[str]) -> pl.DataFrame:
    columns = {
        "symbol": names,
        "start_date": [dt.date.min] * len(names),
        "end_date": [None] * len(names),
    }
    return pl.DataFrame(columns, schema=MEMBERSHIP_SCHEMA)


def _fixed(symbols: list[str], archive: Archive, where: str) -> Universe:
    universe: Universe = FixedUniverse(symbols, archive.symbols())
    if archive.symbol_map.knows(symbols):
        universe = MembershipUniverse(
            archive.symbol_map.members(_at_all_times(symbols)), archive.symbols(), False
        )
    if not universe.everyone(dt.date.min, dt.date.max):
        raise UniverseError(
            f"none of its {len(symbols)} symbols is in the archive",
            where=where,
            expected=f"symbols of {archive.path}",
        )
    return universe


def _top(spec: dict[str, Any], archive: Archive) -> TopDollarVolume:
    known = ("top_dollar_volume", "sessions")
    for key in spec:
        if key not in known:
            raise UniverseError(
                f"unknown key {key!r}",
                where="universe",
                expected=FORMS,
                fix=did_you_mean(str(key), known),
            )
    count, sessions = spec.get("top_dollar_volume"), spec.get("sessions", DEFAULT_SESSIONS)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in (count, sessions)):
        raise UniverseError(f"{spec!r}", where="universe", expected="positive whole numbers")
    return TopDollarVolume(archive, int(count or 0), sessions)


def read_membership(path: Path) -> pl.DataFrame:
    """A file's intervals of membership, MEMBERSHIP_SCHEMA; raises UniverseError."""
    try:
        return read_table(path, MEMBERSHIP_FORM)
    except ArchiveError as error:
        raise UniverseError(
            error.what, where=error.where, expected=error.expected, fix=error.fix
        ) from None


def is_membership(path: Path) -> bool:
    """A Parquet file, or a .csv of more than one column; a .csv of one is a list."""
    return path.suffix == ".parquet" or (
        path.suffix == ".csv" and any("," in line for line in _read_lines(path)[:1])
    )
