"""LEAN's sample data as an archive: daily bars as traded, its factor files as corporate actions, its map files as the symbol map."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from engine.archive.archive import Archive
from engine.archive.disk import layout
from engine.archive.disk.bar_files import write_bars
from engine.archive.ingest.lean import factor_actions, ticker_intervals
from engine.archive.reference import corporate_actions as actions
from engine.archive.reference import tickers
from engine.clock.calendar import ExchangeCalendar
from engine.schema import BAR_SCHEMA
from tests.data import real_data


def factor_files(folder: Path) -> Path:
    """The factor files as LEAN keeps them, a .csv a symbol."""
    folder.mkdir(exist_ok=True)
    for (symbol,), rows in pl.read_parquet(real_data("factor_files.parquet")).group_by(
        "symbol", maintain_order=True
    ):
        lines = [
            f"{date:%Y%m%d},{price},{split},{reference}\n"
            for date, price, split, reference, _ in rows.rows()
        ]
        (folder / f"{str(symbol).lower()}.csv").write_text("".join(lines))
    return folder


def map_files(folder: Path) -> Path:
    """The map files as LEAN keeps them, a .csv a symbol."""
    folder.mkdir(exist_ok=True)
    for one in json.loads(real_data("map_files.json").read_text()):
        (folder / f"{one['file'].lower()}.csv").write_text("\n".join(one["rows"]) + "\n")
    return folder


def bare_archive(path: Path) -> Archive:
    """The daily bars under their tickers, and nothing beside them."""
    bars = pl.read_parquet(real_data("equity_usa_daily.parquet")).with_columns(
        date=pl.col("timestamp").dt.convert_time_zone("America/New_York").dt.date()
    )
    dates = bars["date"].unique().sort()
    sessions = ExchangeCalendar.of("XNYS").sessions(dates[0], dates[-1])
    opens = pl.DataFrame({"date": [s.date for s in sessions], "opens": [s.open for s in sessions]})
    at_open = bars.join(opens, on="date").with_columns(
        timestamp=pl.col("opens").cast(BAR_SCHEMA["timestamp"])
    )
    sorted_bars = (
        at_open.select(*BAR_SCHEMA).cast(pl.Schema(BAR_SCHEMA)).sort("symbol", "timestamp")
    )
    for (year,), of_year in sorted_bars.group_by(
        pl.col("timestamp").dt.year(), maintain_order=True
    ):
        write_bars(layout.daily_file(path, int(str(year))), of_year)
    layout.write_manifest(
        path, layout.ArchiveManifest(exchange="XNYS", source="LEAN sample data", intervals=("1d",))
    )
    return Archive.open(path)


def lean_archive(path: Path, with_map: bool = True) -> Archive:
    """The daily bars with their corporate actions, and who had which ticker when."""
    archive = bare_archive(path)
    found, _ = factor_actions(archive, factor_files(path.parent / "factor_files"))
    actions.bring_in(archive, found)
    if with_map:
        tickers.bring_in(archive, ticker_intervals(map_files(path.parent / "map_files")))
    return Archive.open(path)
