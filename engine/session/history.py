"""Bars of one symbol in earlier sessions, read from the archive when a scanner or strategy asks."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left

import polars as pl

from engine.archive.archive import Archive
from engine.schema import BAR_SCHEMA, PRICE_COLUMNS

VALUES = [name for name in BAR_SCHEMA if name != "symbol"]


class TrailingHistory:
    """The bars of the `trailing_days` sessions before a date, adjusted for splits up to that date.

    Frames that were read for the latest date are kept.
    """

    def __init__(self, archive: Archive, trailing_days: int):
        self._archive, self._days = archive, trailing_days
        self._kept: dict[tuple[str, str, dt.date], pl.DataFrame] = {}

    def bars(self, symbol: str, interval: str, date: dt.date) -> pl.DataFrame:
        """The symbol's bars of the sessions before `date`, base-interval or daily ("1d") ones.

        Columns: timestamp, open, high, low, close, volume.
        """
        key = (symbol, interval, date)
        if key not in self._kept:
            self._kept = {k: v for k, v in self._kept.items() if k[2] == date}
            self._kept[key] = self._read(symbol, interval, date)
        return self._kept[key]

    def _read(self, symbol: str, interval: str, date: dt.date) -> pl.DataFrame:
        """Read the symbol's bars of the last `trailing_days` sessions before `date`."""
        dates = self._archive.sessions(interval)
        until = bisect_left(dates, date)
        wanted = dates[max(0, until - self._days) : until] if self._days else []
        if not wanted:
            return pl.DataFrame(schema={name: BAR_SCHEMA[name] for name in VALUES})
        if interval == "1d":
            bars = self._archive.read_daily(VALUES, wanted[0], date).filter(
                pl.col("symbol") == symbol
            )
        else:
            frames = [self._archive.read_session(day, list(BAR_SCHEMA), interval) for day in wanted]
            of_symbol = [frame.filter(pl.col("symbol") == symbol) for frame in frames]
            bars = pl.concat(
                f.with_columns(date=pl.lit(day)) for f, day in zip(of_symbol, wanted, strict=True)
            )
        return self._rescale(bars, symbol, date).select(VALUES)

    def _rescale(self, bars: pl.DataFrame, symbol: str, date: dt.date) -> pl.DataFrame:
        """Adjust bars for the splits between each bar and `date`."""
        actions = self._archive.corporate_actions().filter(
            pl.col("symbol") == symbol,
            pl.col("ex_date") <= date,
            pl.col("split_ratio").is_not_null(),
        )
        for ex_date, ratio in actions.select("ex_date", "split_ratio").iter_rows():
            scale = pl.when(pl.col("date") < ex_date).then(ratio).otherwise(1.0)
            bars = bars.with_columns(
                *(pl.col(name) / scale for name in PRICE_COLUMNS), pl.col("volume") * scale
            )
        return bars
