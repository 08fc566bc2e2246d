"""Logs many columns of daily bars, of every symbol, so that a difference in any of them shows."""

from __future__ import annotations

import polars as pl

from engine.scan.columns import COLUMNS
from scanners.base import ColumnarScanner

KEYS = (
    "sma_5_1d",
    "rsi_5_1d",
    "macd_3_6_3_1d.signal",
    "atr_5_1d",
    "rolling_max_10_1d",
    "beta_5_1d",
    "correlation_10_1d",
    "obv_1d",
    "vwap_1d",
    "gap_percent_1d",
    "session_extremes_1d.since_high",
    "hammer_1d",
)


class WideDailyScanner(ColumnarScanner):
    """Every symbol."""

    def features(self) -> dict[str, pl.Expr]:
        return {
            f"at_{name}": pl.col(name)
            for name in (*COLUMNS, *KEYS)
            if name not in ("symbol", "tick")
        }

    def criteria(self) -> dict[str, pl.Expr]:
        return {"some": pl.col("symbol").is_not_null()}
