"""An archive's symbol map, filled from a table of tickers or from LEAN's map files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_bars, read_index, symbol_runs
from engine.archive.reference.small_tables import TableForm, read_table, write_table
from engine.archive.symbol_map import SymbolMap
from engine.errors import ArchiveError
from engine.schema import SYMBOL_MAP_SCHEMA

FORM = TableForm(
    schema=SYMBOL_MAP_SCHEMA,
    aliases={
        "symbol": ("permtick", "identity", "id"),
        "start_date": ("start", "from"),
        "end_date": ("end", "to"),
    },
    needed=("symbol", "ticker", "start_date"),
    optional=("end_date",),
    declared=True,
)


@dataclass(frozen=True)
class TickersSummary:
    """Counts of adding tickers to an archive's symbol map.

    added     symbols that the map did not have before
    replaced  symbols whose intervals were replaced
    renamed   symbols that have had more than one ticker
    reused    tickers that more than one symbol has had
    absent    symbols without bars in the archive
    actions   corporate actions of the archive that name a ticker that is no symbol
    stray     ticker -> its daily bars that belong to no symbol
    """

    symbols: int
    intervals: int
    added: int
    replaced: int
    renamed: int
    reused: int
    absent: int
    actions: int
    stray: dict[str, int]


def read_tickers(path: Path, time_format: str | None = None) -> pl.DataFrame:
    """SYMBOL_MAP_SCHEMA of a table (.csv, .parquet) with a header, one row an interval.

    Raises ArchiveError.
    """
    table = read_table(path, FORM, time_format).unique()
    if table.is_empty():
        raise ArchiveError("no rows", where=path, expected="at least one symbol and its ticker")
    SymbolMap(table, path)  # raises where intervals overlap or end before they start
    return table


def bring_in(archive: Archive, intervals: pl.DataFrame, replace: bool = False) -> TickersSummary:
    """Replace the intervals of the given symbols in the archive's map; with `replace` the whole
    map.

    The map is written completely or not at all.
    """
    archive.symbols()  # raises for an archive that lacks daily bars, before anything is written
    before = archive.symbol_map.intervals
    kept = before.head(0) if replace else before.join(intervals, on="symbol", how="anti")
    merged = SymbolMap(pl.concat([kept, intervals]), "the archive's map with these intervals")
    write_table(archive.path / layout.SYMBOL_MAP, merged.intervals)
    fresh, known = set(intervals["symbol"]), set(before["symbol"])
    counts = {
        name: merged.intervals.group_by(name).agg(pl.exclude(name).n_unique())
        for name in ("symbol", "ticker")
    }
    after = Archive.open(archive.path)
    only_tickers = set(merged.intervals["ticker"]) - set(merged.intervals["symbol"])
    by_ticker = after.corporate_actions().filter(pl.col("symbol").is_in(list(only_tickers)))
    return TickersSummary(
        len(counts["symbol"]),
        len(merged.intervals),
        len(fresh - known),
        len(fresh & known),
        int((counts["symbol"]["ticker"] > 1).sum()),
        int((counts["ticker"]["symbol"] > 1).sum()),
        len(set(merged.intervals["symbol"]) - set(after.symbols())),
        len(by_ticker),
        stray_bars(after),
    )


def stray_bars(archive: Archive) -> dict[str, int]:
    """Ticker of the map -> its daily bars on dates on which it belonged to no symbol."""
    found: dict[str, int] = {}
    for year in archive.daily_years() if archive.symbol_map else ():
        path = archive.daily_file(year)
        tickers, counts = read_index(path) or symbol_runs(read_bars(path, ["symbol"])["symbol"])
        mapped = [number for number, ticker in enumerate(tickers) if ticker in archive.symbol_map]
        if not mapped:
            continue
        days, ends = archive.daily_days(year), np.cumsum(counts)
        for number in mapped:
            own = days[ends[number] - counts[number] : ends[number]]
            _, owned, _ = archive.symbol_map.rename_runs(
                [tickers[number]], counts[number : number + 1], own
            )
            if lost := len(own) - int(owned.sum()):
                found[tickers[number]] = found.get(tickers[number], 0) + lost
    return found
