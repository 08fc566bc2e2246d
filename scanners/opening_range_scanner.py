"""Stocks in play at the end of their opening range."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams


class OpeningRangeScanner(ColumnarScanner):
    """The most active stocks of the first minutes, with their opening range and its direction.

    After Carlo Zarattini, Andrea Barbon and Andrew Aziz, A Profitable Day Trading Strategy For The
    U.S. Equity Market (2024): price above 5, average volume of 14 sessions of at least a million
    shares, ATR above 0.50, volume of the range at least the usual one by that time, the best 20 by
    relative volume. Scan it once, when the range is over: 09:35 for 5 minutes. direction is 1 where
    the range closed above its open, -1 below, 0 at it.
    """

    class Params(ScannerParams):
        minutes: int = Field(5, ge=1, description="length of the opening range")
        min_rvol: float = Field(
            1.0,
            ge=0,
            description="volume so far over the usual one by this time must be at least this",
        )
        sessions: int = Field(
            14, ge=1, description="sessions of relative volume, average volume and ATR"
        )
        min_price: float = Field(
            5.0, description="session's open must be at least this, in currency"
        )
        min_atr: float = Field(
            0.5,
            ge=0,
            description="average true range of daily bars must be at least this, in currency",
        )
        min_average_volume: float = Field(
            1_000_000.0, ge=0, description="average daily volume must be at least this, in shares"
        )
        limit: int | None = Field(
            20, ge=1, description="keep the best so many a tick, by rvol; null keeps all"
        )

    rank_by = "rvol"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        p = self.params
        self.limit = p.limit
        self._range = f"opening_range_{p.minutes}_1m"
        self._rvol, self._atr = pl.col(f"rvol_{p.sessions}_1m"), pl.col(f"atr_{p.sessions}_1d")
        self._volume = pl.col(f"volume_sma_{p.sessions}_1d")

    def features(self) -> dict[str, pl.Expr]:
        return {
            "close": pl.col("close"),
            "range_high": pl.col(f"{self._range}.high"),
            "range_low": pl.col(f"{self._range}.low"),
            "direction": (pl.col("close") - pl.col("session_open")).sign(),
            "rvol": self._rvol,
            "atr": self._atr,
        }

    def criteria(self) -> dict[str, pl.Expr]:
        p = self.params
        return {
            "range_is_over": pl.col(f"{self._range}.high").is_not_null(),
            "price": pl.col("session_open") >= p.min_price,
            "volatile": self._atr >= p.min_atr,
            "liquid": self._volume >= p.min_average_volume,
            "in_play": self._rvol >= p.min_rvol,
        }
