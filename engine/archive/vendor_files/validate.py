"""Which rows are valid bars, and the reasons against the others."""

from __future__ import annotations

import polars as pl

from engine.schema import PRICE_COLUMNS

_HIGH = pl.col("high") < pl.max_horizontal("open", "low", "close")
_LOW = pl.col("low") > pl.min_horizontal("open", "close")
CROSSED = _HIGH | _LOW
# First reason that holds is the one told. A null makes a comparison null, so missing values come
# first.
_PRICES = [pl.col(name) for name in PRICE_COLUMNS]
REASONS: dict[str, pl.Expr] = {
    "no symbol": pl.col("symbol").is_null() | (pl.col("symbol").str.strip_chars() == ""),
    "unparsable timestamp": pl.col("timestamp").is_null(),
    "missing price": pl.any_horizontal(
        *(price.is_null() | ~price.is_finite() for price in _PRICES)
    ),
    "missing volume": pl.col("volume").is_null() | ~pl.col("volume").is_finite(),
    "price not positive": pl.any_horizontal(*(price <= 0 for price in _PRICES)),
    "negative volume": pl.col("volume") < 0,
    "high below another price": _HIGH,
    "low above another price": _LOW,
}
NOT_A_SESSION = "not a session of the exchange"
CONFLICTING = "same symbol and time as another row, other values"


def reason() -> pl.Expr:
    """The first reason against a bar, null for a good one."""
    checks = [pl.when(check).then(pl.lit(text)) for text, check in REASONS.items()]
    return pl.coalesce(*checks).alias("reason")


def drop_copies(bars: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Bars sorted by symbol and time without exact copies, and how many those were."""
    ordered = bars.sort("symbol", "timestamp")
    again = _same_as_before()
    twice = ordered.select(again | again.shift(-1, fill_value=False)).to_series()
    if not twice.any():
        return ordered, 0
    distinct = pl.concat([ordered.filter(~twice), ordered.filter(twice).unique()])
    return distinct.sort("symbol", "timestamp"), len(ordered) - len(distinct)


def split_conflicts(bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bars sorted by symbol and time, of conflicting ones the first; and the ones left out.

    Which of the rows is right cannot be known; the first in the order of their values is kept,
    whatever order they came in.
    """
    ordered = bars.sort("symbol", "timestamp")
    if not ordered.select(_same_as_before().any()).item():
        return ordered, ordered.clear()
    ordered = bars.sort(
        "symbol",
        "timestamp",
        *[name for name in bars.columns if name not in ("symbol", "timestamp")],
    )
    first = ~_same_as_before()
    return ordered.filter(first), ordered.filter(~first)


def _same_as_before() -> pl.Expr:
    """Whether a sorted bar has the symbol and time of the one before it."""
    same = (pl.col("symbol") == pl.col("symbol").shift()) & (
        pl.col("timestamp") == pl.col("timestamp").shift()
    )
    return same.fill_null(False)
