"""Which bars are fit for an archive, and why the others are not."""

from __future__ import annotations

import polars as pl

from engine.schema import PRICE_COLUMNS

# First reason that holds is the one told. A null makes a comparison null, so missing values come first.
_PRICES = [pl.col(name) for name in PRICE_COLUMNS]
REASONS: dict[str, pl.Expr] = {
    "no symbol": pl.col("symbol").is_null() | (pl.col("symbol").str.strip_chars() == ""),
    "unparsable timestamp": pl.col("timestamp").is_null(),
    "missing price": pl.any_horizontal(*(price.is_null() | ~price.is_finite() for price in _PRICES)),
    "missing volume": pl.col("volume").is_null() | ~pl.col("volume").is_finite(),
    "price not positive": pl.any_horizontal(*(price <= 0 for price in _PRICES)),
    "negative volume": pl.col("volume") < 0,
    "high below another price": pl.col("high") < pl.max_horizontal("open", "low", "close"),
    "low above another price": pl.col("low") > pl.min_horizontal("open", "close"),
}
NOT_A_SESSION = "not a session of the exchange"
CONFLICTING = "same symbol and time as another row, other values"


def reason() -> pl.Expr:
    """The first reason against a bar, null for a good one."""
    checks = [pl.when(check).then(pl.lit(text)) for text, check in REASONS.items()]
    return pl.coalesce(*checks).alias("reason")


def split_conflicts(bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars sorted by symbol and time, of conflicting ones the first; and the ones left out.

    Which of the rows is right cannot be known; the first in the order of their values is kept, whatever order they
    came in.
    """
    ordered = bars.sort("symbol", "timestamp", *[name for name in bars.columns if name not in ("symbol", "timestamp")])
    first = pl.struct("symbol", "timestamp").is_first_distinct()
    return ordered.filter(first), ordered.filter(~first)
