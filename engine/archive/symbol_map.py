"""Which symbol a ticker belonged to, by date.

Bars are stored as delivered, under the ticker of their day. An archive's `symbol_map.parquet` has
intervals: `symbol` had `ticker` from start_date up to, not including, end_date. Bars are renamed
when they are read, so code above the archive sees symbols only: a company that changes its ticker
keeps its history, and two companies that used one ticker stay apart.

Names that occur in the map, as symbol or as ticker, follow the map only: bars of such a ticker on a
date that no interval covers belong to no symbol (NOBODY) and are not read.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.errors import ArchiveError
from engine.schema import MEMBERSHIP_SCHEMA, SYMBOL_MAP_SCHEMA

NOBODY = ""
EPOCH = dt.date(1970, 1, 1)
FOREVER = (dt.date.max - EPOCH).days
# (first day, day after the last, symbol or ticker); days since 1970-01-01
Interval = tuple[int, int, str]


class SymbolMap:
    """Checked intervals of SYMBOL_MAP_SCHEMA.

    On each date a symbol has at most one ticker, and a ticker belongs to at most one symbol.
    """

    def __init__(self, intervals: pl.DataFrame, where: object = "symbol map"):
        self.intervals = intervals.sort("symbol", "start_date", "ticker")
        self._owners: dict[str, list[Interval]] = defaultdict(list)  # by ticker
        self._tickers: dict[str, list[Interval]] = defaultdict(list)  # by symbol
        for symbol, ticker, start, end in self.intervals.rows():
            days = _day(start), FOREVER if end is None else _day(end)
            self._owners[ticker].append((*days, symbol))
            self._tickers[symbol].append((*days, ticker))
        for one_at_a_time, what in ((self._owners, "ticker"), (self._tickers, "symbol")):
            _refuse_overlaps(one_at_a_time, what, where)
        self._names = {*self._owners, *self._tickers}

    def __bool__(self) -> bool:
        return bool(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def knows(self, names: Iterable[str]) -> bool:
        """Whether any of the names is in the map."""
        return bool(self._names) and not self._names.isdisjoint(names)

    # -- bars

    def owner(self, ticker: str, date: dt.date) -> str:
        """The symbol that a ticker belongs to on a date.

        A ticker that the map does not know is its own symbol; NOBODY where the map knows it and no
        interval covers the date.
        """
        return self._owner(ticker, _day(date))

    def owners(self, tickers: Sequence[str], date: dt.date) -> list[str]:
        """`owner` of each ticker, str[tickers]."""
        names, day = self._names, _day(date)
        return [self._owner(ticker, day) if ticker in names else ticker for ticker in tickers]

    def rename_session(self, bars: pl.DataFrame, date: dt.date) -> pl.DataFrame:
        """One session's bars with symbols in place of tickers, sorted by symbol."""
        tickers = bars["symbol"].unique().to_list()
        renamed = {
            ticker: owner
            for ticker, owner in zip(tickers, self.owners(tickers, date), strict=True)
            if owner != ticker
        }
        if not renamed:
            return bars
        moved = bars.with_columns(pl.col("symbol").replace(renamed))
        return moved.filter(pl.col("symbol") != NOBODY).sort("symbol", maintain_order=True)

    def rename_daily(self, bars: pl.DataFrame) -> pl.DataFrame:
        """Bars (`symbol`, `date`, ...) with symbols in place of tickers, sorted by both."""
        mapped = pl.col("symbol").is_in(list(self._names))
        intervals = self.intervals.select("ticker", "start_date", "end_date", owner="symbol")
        within = (pl.col("date") >= pl.col("start_date")) & (
            pl.col("date") < pl.col("end_date")
        ).fill_null(True)
        owned = (
            bars.filter(mapped).join(intervals, left_on="symbol", right_on="ticker").filter(within)
        )
        moved = owned.with_columns(symbol="owner").select(bars.columns)
        return pl.concat([bars.filter(~mapped), moved]).sort("symbol", "date")

    def rename_runs(
        self, tickers: Sequence[str], counts: NDArray[np.int64], days: NDArray[np.int64]
    ) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
        """Rename rows that come in runs of one ticker each, sorted by date within a run.

        tickers, counts  str[runs], int64[runs]: ticker and length of each run
        days             int64[rows], days since 1970-01-01

        Returns the symbols, sorted; int64[symbols], their row counts; int64[kept rows], indexes of
        the kept rows in the order of symbols and dates.
        """
        pieces: list[tuple[str, int, int]] = []
        first = 0
        for ticker, count in zip(tickers, counts.tolist(), strict=True):
            if ticker not in self._names:
                pieces.append((ticker, first, first + count))
            for begin, end, symbol in self._owners.get(ticker, ()):
                inside = first + np.searchsorted(days[first : first + count], (begin, end))
                if inside[1] > inside[0]:
                    pieces.append((symbol, int(inside[0]), int(inside[1])))
            first += count
        pieces.sort(key=lambda piece: (piece[0], days[piece[1]]))
        by_symbol = {
            symbol: sum(end - begin for _, begin, end in of_symbol)
            for symbol, of_symbol in groupby(pieces, key=lambda piece: piece[0])
        }
        rows = np.concatenate([np.empty(0, np.int64), *(np.arange(a, b) for _, a, b in pieces)])
        return list(by_symbol), np.array(list(by_symbol.values()), np.int64), rows

    # -- names

    def ticker(self, symbol: str, date: dt.date) -> str:
        """The ticker of a symbol on a date; the symbol itself where no interval covers the date."""
        day = _day(date)
        return next(
            (ticker for start, end, ticker in self._tickers.get(symbol, ()) if start <= day < end),
            symbol,
        )

    def tickers(self, symbols: pl.Series, dates: pl.Series) -> pl.Series:
        """String[rows], named `ticker`: the ticker of each symbol on the date in the same row."""
        rows = pl.DataFrame({"symbol": symbols, "date": dates})
        pairs = rows.unique()
        known = pl.Series(
            "ticker", [self.ticker(symbol, date) for symbol, date in pairs.rows()], dtype=pl.String
        )
        return rows.join(
            pairs.with_columns(known), on=["symbol", "date"], how="left", maintain_order="left"
        )["ticker"]

    def members(self, memberships: pl.DataFrame) -> pl.DataFrame:
        """Memberships (MEMBERSHIP_SCHEMA) of names, which may be tickers or symbols, as symbols.

        A name is read as a ticker while some symbol has it; otherwise as the symbol of that name,
        while that symbol is traded under any ticker. So both lists of tickers as of their day and
        lists of symbols are resolved.
        """
        mapped = pl.col("symbol").is_in(list(self._names))
        rows = [
            row
            for name, start, end in memberships.filter(mapped).rows()
            for row in self._resolved(name, start, end)
        ]
        resolved = pl.DataFrame(rows, schema=MEMBERSHIP_SCHEMA, orient="row")
        return pl.concat([memberships.filter(~mapped), resolved])

    def _owner(self, ticker: str, day: int) -> str:
        if ticker not in self._names:
            return ticker
        return next(
            (symbol for start, end, symbol in self._owners.get(ticker, ()) if start <= day < end),
            NOBODY,
        )

    def _resolved(
        self, name: str, start: dt.date, end: dt.date | None
    ) -> Iterable[tuple[str, dt.date, dt.date | None]]:
        """The membership of one name as (symbol, start, end or None) intervals."""
        day, until = _day(start), FOREVER if end is None else _day(end)
        pieces = []
        for begin, stop, symbol in [*self._owners.get(name, ()), (FOREVER, FOREVER, NOBODY)]:
            life = self._life(name)
            # Before another symbol takes the ticker, the name is the symbol itself.
            pieces.append((name, max(day, life[0]), min(begin, until, life[1])))
            pieces.append((symbol, max(day, begin), min(stop, until)))
            day = max(day, stop)
        return [
            (symbol, _date(a), None if b >= FOREVER else _date(b))
            for symbol, a, b in pieces
            if a < b
        ]

    def _life(self, symbol: str) -> tuple[int, int]:
        """First day with a ticker and the day after the last; (0, 0) for an unknown symbol."""
        intervals = self._tickers.get(symbol)
        return (intervals[0][0], intervals[-1][1]) if intervals else (0, 0)


def empty_map() -> SymbolMap:
    """The map of an archive without one: every ticker is its own symbol."""
    return SymbolMap(pl.DataFrame(schema=SYMBOL_MAP_SCHEMA))


def _day(date: dt.date) -> int:
    return (date - EPOCH).days


def _date(day: int) -> dt.date:
    return EPOCH + dt.timedelta(days=day)


def _refuse_overlaps(intervals: dict[str, list[Interval]], what: str, where: object) -> None:
    other = "symbol" if what == "ticker" else "ticker"
    for name, own in intervals.items():
        own.sort()
        for start, end, _ in own:
            if end <= start:
                raise ArchiveError(
                    f"{what} {name}: an interval from {_date(start)} to {_date(end)}",
                    where=where,
                    expected="end_date after start_date",
                )
        for (_, end, one), (start, _, another) in pairwise(own):
            if start < end:
                raise ArchiveError(
                    f"{what} {name} is two {other}s' from {_date(start)}: {one} and {another}",
                    where=where,
                    expected=f"one {other} at a time; end_date is the first day after",
                    fix="correct the dates, or leave one of the two out",
                )
