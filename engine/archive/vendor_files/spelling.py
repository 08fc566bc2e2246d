"""Symbols that are written in two ways, and series that are two under one symbol: refused, for
their bars would be mixed.

A symbol is stored in capitals, and vendors' rules change it further: `brk-b`, `BRK.B` and, where a
market's ending is taken off, `BRK.B.US` are one. The way that a source writes it is kept until a
session's bars are together.
"""

from __future__ import annotations

import polars as pl

SPELLED = "spelled"  # beside `symbol`: how the source writes it; null where it writes it so
# So many conflicting bars of a symbol, and this share of its timestamps, show a second series.
FEWEST, SHARE = 10, 0.25


def with_spelling(bars: pl.DataFrame, spelled: pl.Series) -> pl.DataFrame:
    """Bars with SPELLED, where any symbol is written in another way than it is stored."""
    other = pl.select(pl.when(spelled != bars["symbol"]).then(spelled).alias(SPELLED)).to_series()
    return bars if other.null_count() == len(other) else bars.with_columns(other)


def two_spellings(bars: pl.DataFrame) -> str | None:
    """The first symbol of a session that is written in two ways, in words.

    None where there is none.
    """
    if SPELLED not in bars.columns:
        return None
    pairs = bars.select("symbol", pl.coalesce(SPELLED, "symbol").alias(SPELLED)).unique()
    twice = (
        pairs.group_by("symbol")
        .agg(pl.col(SPELLED).sort(), pl.len().alias("ways"))
        .filter(pl.col("ways") > 1)
        .sort("symbol")
    )
    if twice.is_empty():
        return None
    symbol, ways, _ = twice.row(0)
    return f"{' and '.join(map(repr, ways[:3]))} would be one symbol, {symbol}"


def two_series(kept: pl.DataFrame, conflicts: pl.DataFrame) -> str | None:
    """The first symbol of which so many bars contradict others of the same time that they are
    another series; None where none is.

    kept       bars, one a symbol and time
    conflicts  the others of these symbols and times
    """
    if len(conflicts) < FEWEST:
        return None
    counts = (
        conflicts.select("symbol", "timestamp")
        .unique()
        .group_by("symbol")
        .len("twice")
        .filter(pl.col("twice") >= FEWEST)
    )
    times = kept.group_by("symbol").len("times")
    found = (
        counts.join(times, on="symbol")
        .filter(pl.col("twice") >= SHARE * pl.col("times"))
        .sort("symbol")
    )
    if found.is_empty():
        return None
    symbol, twice, times_of = found.row(0)
    return (
        f"{symbol} has two different bars at {twice:,} of {times_of:,} times: two series "
        "under one symbol"
    )
