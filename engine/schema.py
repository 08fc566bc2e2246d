"""Column names and dtypes of the frames that rooms hand to each other, each named once."""

from __future__ import annotations

import polars as pl

TIMESTAMP = pl.Datetime("us", "UTC")
PRICE_COLUMNS = ("open", "high", "low", "close")

# A bar: its timestamp labels the START; it is known at timestamp + interval. Frames of bars are sorted by
# (symbol, timestamp), unique, prices as traded.
BAR_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "timestamp": TIMESTAMP,
    "open": pl.Float64(),
    "high": pl.Float64(),
    "low": pl.Float64(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
}
OPTIONAL_BAR_SCHEMA: dict[str, pl.DataType] = {"vwap": pl.Float64(), "trade_count": pl.Float64()}

CORPORATE_ACTIONS_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "ex_date": pl.Date(),
    "split_ratio": pl.Float64(),  # new shares for one old: 4.0 for a four-for-one split, null or 1.0 for none
    "cash_dividend": pl.Float64(),  # per share, in the scale before the split of that date; null or 0.0 for none
}

MEMBERSHIP_SCHEMA: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "start_date": pl.Date(),
    "end_date": pl.Date(),  # exclusive; null: still a member
}

# The run directory. `scans` is followed by one UInt32 column a clause, `hits` by the features.
SCANS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "tick": TIMESTAMP,
    "scanner": pl.String(),
    "scan_type": pl.String(),  # pre_session, regular
    "scanned": pl.UInt32(),
    "qualified": pl.UInt32(),
    "promoted": pl.UInt32(),
    "error": pl.String(),
}
HITS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "tick": TIMESTAMP,
    "scanner": pl.String(),
    "symbol": pl.String(),
    "rank": pl.UInt32(),  # 1 is the best
    "promoted": pl.Boolean(),  # true where this hit is what added the symbol
}
SYMBOL_EVENTS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "time": TIMESTAMP,
    "symbol": pl.String(),
    "event": pl.String(),  # registered, promoted, locked, unlocked, removed
    "source": pl.String(),  # config, a scanner's name, a strategy's name
}
QUALITY_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "symbol": pl.String(),
    "expected": pl.UInt32(),
    "present": pl.UInt32(),
    "quality_percent": pl.Float64(),
}
TIMINGS_SCHEMA: dict[str, pl.DataType] = {
    "session": pl.Date(),
    "tick": TIMESTAMP,
    "scanner": pl.String(),
    "elapsed_us": pl.Float64(),
}
