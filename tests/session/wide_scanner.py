"""Logs many columns, so that a difference in any of them shows."""

from __future__ import annotations

import polars as pl

from engine.scan.columns import COLUMNS
from scanners.base import ColumnarScanner

KEYS = (
    "sma_20_1m",
    "ema_20_1m",
    "rsi_14_5m",
    "atr_14_15m",
    "stddev_20_1m",
    "roc_10_30m",
    "rolling_max_30_1m",
    "rolling_min_30_5m",
    "bollinger_bands_20_2_5m.upper",
    "macd_12_26_9_1m.signal",
    "vwap_1m",
    "rvol_5_1m",
    "sma_5_1d",
    "atr_5_1d",
    "volume_sma_5_1d",
    "ema_10_1h",
    "gap_percent_1m",
    "opening_range_15_1m.high",
    "session_extremes_1m.since_high",
    "vwap_distance_14_5m",
    "anchored_vwap_2_1m",
    "klinger_34_55_13_5m.klinger",
    "percentile_20_90_1m",
    "hammer_1m",
    "beta_20_1d",
    "correlation_30_5m",
    "relative_strength_20_1m",
)


class WideScanner(ColumnarScanner):
    """Every symbol whose latest bar is at an even price."""

    def features(self) -> dict[str, pl.Expr]:
        return {
            f"at_{name}": pl.col(name)
            for name in (*COLUMNS, *KEYS)
            if name not in ("symbol", "tick")
        }

    def criteria(self) -> dict[str, pl.Expr]:
        return {"even": (pl.col("close") * 100).round(0) % 10 == 0}
