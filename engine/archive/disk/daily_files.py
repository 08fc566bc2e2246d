"""Daily bars: derived from a session's regular hours, stored in one file a year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from engine.archive.disk import layout
from engine.archive.disk.bar_files import read_bars, write_bars
from engine.clock.calendar import Session
from engine.schema import BAR_SCHEMA


def daily_from_session(bars: pl.DataFrame, session: Session) -> pl.DataFrame:
    """One daily bar a symbol from a session's sorted bars, labelled with the session's open.

    Symbols without a bar in regular hours get none.
    """
    start = pl.col("timestamp").dt.epoch("us")
    regular = bars.lazy().filter(start >= session.open, start < session.close)
    return (
        regular.group_by("symbol", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .with_columns(timestamp=pl.lit(session.open).cast(BAR_SCHEMA["timestamp"]))
        .select(*BAR_SCHEMA)
        .collect()
    )


def update_daily(root: Path, days: Mapping[dt.date, pl.DataFrame]) -> None:
    """Write the daily bars of some sessions; other sessions of their years stay as they are."""
    for year in sorted({date.year for date in days}):
        path = layout.daily_file(root, year)
        fresh = pl.concat(
            [bars.select(*BAR_SCHEMA) for date, bars in days.items() if date.year == year]
        )
        if path.exists():
            before = pl.read_parquet(path, hive_partitioning=False)
            fresh = pl.concat(
                [
                    before.filter(
                        ~pl.col("timestamp").is_in(fresh["timestamp"].unique().implode())
                    ),
                    fresh,
                ]
            )
        write_bars(path, fresh.sort("symbol", "timestamp"))


def read_daily_sessions(root: Path, year: int) -> dict[int, pl.DataFrame]:
    """Open of a session (microseconds UTC) -> its daily bars, by symbol; {} without a file."""
    path = layout.daily_file(root, year)
    if not path.exists():
        return {}
    days = read_bars(path, list(BAR_SCHEMA)).with_columns(
        pl.col("timestamp").dt.epoch("us").alias("opens")
    )
    return {
        opens: bars.drop("opens")
        for (opens,), bars in days.partition_by("opens", as_dict=True).items()
    }
