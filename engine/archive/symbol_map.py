"""Whose bars a ticker's are, by date.

Bars stay as they were delivered, under the ticker of their day. An archive's `symbol_map.parquet` says whose they are: `symbol` had
`ticker` from start_date up to, not including, end_date. Bars are renamed when they are read, so everything above the archive
knows symbols alone: a company that changes its ticker goes on, and two that had the same one are two.

A name in the map, as symbol or as ticker, means what the map says and nothing else: bars of such a ticker on a day that no
interval holds are nobody's, and are not read.
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
Interval = tuple[
    int, int, str
]  # from, up to and not including, in days since 1970-01-01; a symbol or a ticker


class SymbolMap:
    """The intervals of SYMBOL_MAP_SCHEMA, checked: at a time a symbol has one ticker, and a ticker is one symbol's."""

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
        """The symbol whose bars a ticker's are on a date; NOBODY where the map knows the name, and no owner."""
        return self._owner(ticker, _day(date))

    def owners(self, tickers: Sequence[str], date: dt.date) -> list[str]:
        """The owner of each."""
        names, day = self._names, _day(date)
        return [self._owner(ticker, day) if ticker in names else ticker for ticker in tickers]

    def rename_session(self, bars: pl.DataFrame, date: dt.date) -> pl.DataFrame:
        """One session's bars under their symbols, sorted by them."""
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
        """Bars with `symbol` and `date` under their symbols, sorted by both."""
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
        """Rows in runs of a ticker each, by date: the symbols, their row counts, and the rows in the symbols' order."""
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
            symbol: sum(b - a for _, a, b in own)
            for symbol, own in groupby(pieces, key=lambda piece: piece[0])
        }
        rows = np.concatenate([np.empty(0, np.int64), *(np.arange(a, b) for _, a, b in pieces)])
        return list(by_symbol), np.array(list(by_symbol.values()), np.int64), rows

    # -- names

    def ticker(self, symbol: str, date: dt.date) -> str:
        """The ticker of a symbol on a date; the symbol itself where the map does not know."""
        day = _day(date)
        return next(
            (ticker for start, end, ticker in self._tickers.get(symbol, ()) if start <= day < end),
            symbol,
        )

    def tickers(self, symbols: pl.Series, dates: pl.Series) -> pl.Series:
        """`ticker`: that of each symbol on the date beside it."""
        rows = pl.DataFrame({"symbol": symbols, "date": dates})
        pairs = rows.unique()
        known = pl.Series(
            "ticker", [self.ticker(symbol, date) for symbol, date in pairs.rows()], dtype=pl.String
        )
        return rows.join(
            pairs.with_columns(known), on=["symbol", "date"], how="left", maintain_order="left"
        )["ticker"]

    def members(self, memberships: pl.DataFrame) -> pl.DataFrame:
        """MEMBERSHIP_SCHEMA of names as that of symbols.

        A name is the ticker that a symbol has at the time; while nobody has it, it is the symbol of that name, as long as that is
        traded under any ticker. So lists as of their day and lists of symbols are both read rightly.
        """
        mapped = pl.col("symbol").is_in(list(self._names))
        rows = [
            row
            for name, start, end in memberships.filter(mapped).rows()
            for row in self._stretches(name, start, end)
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

    def _stretches(
        self, name: str, start: dt.date, end: dt.date | None
    ) -> Iterable[tuple[str, dt.date, dt.date | None]]:
        at, until = _day(start), FOREVER if end is None else _day(end)
        pieces = []
        for begin, stop, symbol in [*self._owners.get(name, ()), (FOREVER, FOREVER, NOBODY)]:
            life = self._life(name)
            pieces.append(
                (name, max(at, life[0]), min(begin, until, life[1]))
            )  # before the ticker is that symbol's
            pieces.append((symbol, max(at, begin), min(stop, until)))
            at = max(at, stop)
        return [
            (symbol, _date(a), None if b >= FOREVER else _date(b))
            for symbol, a, b in pieces
            if a < b
        ]

    def _life(self, symbol: str) -> tuple[int, int]:
        own = self._tickers.get(symbol)
        return (own[0][0], own[-1][1]) if own else (0, 0)


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
