"""In Polars: one lazy query over the whole archive."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl

from bench.peers import STEP, files, previous_closes, sessions
from engine.archive.archive import Archive
from engine.clock.interval import MICROS_A_MINUTE


def find(archive: Archive, dates: Sequence[dt.date]) -> pl.DataFrame:
    """session, tick, symbol of every hit, sorted by tick and symbol."""
    clock = sessions(archive, dates)
    bars = (
        pl.scan_parquet(files(archive, clock), hive_partitioning=True)
        .select(
            "symbol",
            "date",
            pl.col("timestamp").dt.epoch("us").alias("at"),
            "high",
            "low",
            "close",
            "volume",
        )
        .join(clock.lazy(), on="date", maintain_order="left")
        .filter(pl.col("at") >= pl.col("opens"), pl.col("at") < pl.col("closes"))
        .join(
            previous_closes(archive, dates).lazy(),
            on=["symbol", "date"],
            how="left",
            maintain_order="left",
        )
    )
    adjusted = pl.col("close") / pl.col("scale")
    amount = (pl.col("high") + pl.col("low") + pl.col("close")) / 3 * pl.col("volume")
    known = pl.col("at") + MICROS_A_MINUTE
    own, day = ["symbol", "month"], ["symbol", "month", "date"]
    change = adjusted.diff().over(own)
    bars = bars.with_columns(
        row=pl.int_range(pl.len()).over(own),
        gain=pl.max_horizontal(change, 0.0),
        loss=pl.max_horizontal(-change, 0.0),
        sma=pl.when("averaged").then(adjusted).rolling_mean(20).over(own),
        vwap=amount.cum_sum().over(day) / pl.col("volume").cum_sum().over(day),
        known=known,
        next_known=known.shift(-1).over(day),
    ).with_columns(gain=_wilder("gain"), loss=_wilder("loss"))
    passed = bars.filter(
        pl.col("close") > 5.0,
        pl.col("close") / pl.col("prev_close") - 1 > 0.03,
        pl.col("close") > pl.col("vwap"),
        100 * pl.col("gain") / (pl.col("gain") + pl.col("loss")) > 70.0,
        adjusted > pl.col("sma"),
    )
    until = _tick_from("next_known").fill_null(pl.col("ticks"))
    seen = passed.with_columns(tick=pl.int_ranges(_tick_from("known"), until)).explode(
        "tick", empty_as_null=False
    )
    ticks = pl.col("first_tick") + pl.col("tick") * STEP
    ticks = ticks.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    found = seen.select(pl.col("date").alias("session"), ticks.alias("tick"), "symbol").collect()
    return found.sort("tick", "symbol")


def _tick_from(column: str) -> pl.Expr:
    """The number of the first tick from a time on."""
    return (
        (pl.col(column) - pl.col("first_tick") + STEP - 1).floordiv(STEP).clip(0, pl.col("ticks"))
    )


def _wilder(column: str) -> pl.Expr:
    """Wilder's average of 14, seeded with the mean of the first 14 changes."""
    value, row = pl.col(column), pl.col("row")
    seeded = (
        pl.when(row > 14)
        .then(value)
        .when(row == 14)
        .then(value.slice(1, 14).mean().over("symbol", "month"))
    )
    return seeded.ewm_mean(alpha=1 / 14, adjust=False, ignore_nulls=True).over("symbol", "month")
