"""Logs the session's own terms and the benchmark's at every tick."""

from __future__ import annotations

import polars as pl

from scanners.base import ColumnarScanner, ScannerParams

KEYS = (
    "gap_percent_1m",
    "opening_range_5_1m.high",
    "opening_range_5_1m.low",
    "session_extremes_1m.since_high",
    "session_extremes_1m.new_low",
    "vwap_distance_14_1m",
    "anchored_vwap_1_1m",
    "premarket_1m.volume",
    "premarket_1m.high",
    "beta_5_1d",
    "correlation_5_1d",
    "relative_strength_5_1d",
    "relative_strength_20_1m",
    "vwap_1m",
)


class TermsScanner(ColumnarScanner):
    """Every symbol at every tick."""

    class Params(ScannerParams):
        """Nothing but the universe."""

    def features(self) -> dict[str, pl.Expr]:
        return {
            "at": pl.col("bar_time"),
            "price": pl.col("close"),
            **{f"at_{key}": pl.col(key) for key in KEYS},
        }

    def criteria(self) -> dict[str, pl.Expr]:
        return {"all": pl.col("symbol").is_not_null()}
