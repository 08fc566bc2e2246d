"""Daily archives in which nothing predicts anything, or one thing does: the demo market with its days shuffled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from barsweep import Market, open_archive
from engine.archive.archive import Archive
from engine.archive.ingest.importer import ImportOptions, import_bars

RISE = 0.02  # a close so much above the one before is what the planted effect follows
PRICES = ["open", "high", "low", "close"]


def shuffled(archive: Archive, path: Path, seed: int, effect: float = 0.0) -> Market:
    """The market with each symbol's days in another order; the day after a rise of RISE closes by `effect` higher."""
    days = archive.sessions("1d")
    bars = archive.read_daily([*PRICES, "volume"], days[0], days[-1]).sort("symbol", "date")
    rng = np.random.default_rng(seed)
    parts = [
        _shuffled(own, rng, effect)
        for own in bars.partition_by("symbol")
        if len(own) > len(days) // 2
    ]
    source = path.with_suffix(".parquet")
    opens = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    stamped = pl.concat(parts).with_columns(timestamp=opens + pl.duration(hours=14, minutes=30))
    stamped.drop("date").write_parquet(source)
    import_bars([source], path, ImportOptions(label="open", interval="1d"))
    return open_archive(path)


def _shuffled(own: pl.DataFrame, rng: np.random.Generator, effect: float) -> pl.DataFrame:
    """One symbol's bars, its days' prices over the close before in another order."""
    prices = own.select(PRICES).to_numpy()
    order = rng.permutation(np.arange(1, len(own)))
    made, last, risen = [prices[0]], float(prices[0, 3]), False
    for ratio in np.clip(prices[order] / prices[order - 1, 3:], 0.5, 2.0):  # a split is no return
        today = ratio * last
        today[[1, 3]] *= 1.0 + effect * risen  # high and close
        risen = today[3] > last * (1.0 + RISE)
        last = float(today[3])
        made.append(today)
    columns = {name: values for name, values in zip(PRICES, np.array(made).T, strict=True)}
    return own.select("symbol", "date", "volume").with_columns(
        *(pl.Series(name, values) for name, values in columns.items())
    )
