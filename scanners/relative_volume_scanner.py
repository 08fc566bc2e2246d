"""Volume anomalies: stocks that trade far more than they do at this time of day."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams


class RelativeVolumeScanner(ColumnarScanner):
    """Volume so far against the same time of earlier sessions, within bands of liquidity and
    volatility.

    Relative volume by time of day is what traders call "stocks in play" (Mike Bellafiore, One Good
    Trade, 2010). Liquidity is the average daily dollar volume, volatility the average daily range
    in percent.
    """

    class Params(ScannerParams):
        min_rvol: float = Field(
            2.0,
            ge=0,
            description="volume so far over the usual one by this time must be at least this",
        )
        rvol_sessions: int = Field(14, ge=1, description="sessions that make the usual volume")
        min_dollar_volume: float = Field(
            5_000_000.0, ge=0, description="average daily dollar volume must be at least this"
        )
        max_dollar_volume: float | None = Field(
            None, gt=0, description="and at most this; null: any"
        )
        min_range: float = Field(
            1.0, ge=0, description="average daily range must be at least this, in percent"
        )
        max_range: float | None = Field(None, gt=0, description="and at most this; null: any")
        sessions: int = Field(20, ge=1, description="sessions of both averages")
        min_price: float = Field(5.0, description="close must be at least this, in currency")
        limit: int | None = Field(
            30, ge=1, description="keep the best so many a tick, by rvol; null keeps all"
        )

    rank_by = "rvol"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        p = self.params
        self.limit = p.limit
        self._rvol = pl.col(f"rvol_{p.rvol_sessions}_1m")
        self._turnover = pl.col(f"average_dollar_volume_{p.sessions}_1d")
        self._range = pl.col(f"average_daily_range_{p.sessions}_1d")

    def features(self) -> dict[str, pl.Expr]:
        return {
            "close": pl.col("close"),
            "change": pl.col("close") / pl.col("prev_close") - 1,
            "rvol": self._rvol,
            "dollar_volume": self._turnover,
            "average_range": self._range,
        }

    def criteria(self) -> dict[str, pl.Expr]:
        p = self.params
        liquid, volatile = self._turnover >= p.min_dollar_volume, self._range >= p.min_range
        return {
            "price": pl.col("close") >= p.min_price,
            "liquid": liquid
            if p.max_dollar_volume is None
            else liquid & (self._turnover <= p.max_dollar_volume),
            "volatile": volatile
            if p.max_range is None
            else volatile & (self._range <= p.max_range),
            "unusual_volume": self._rvol >= p.min_rvol,
        }
