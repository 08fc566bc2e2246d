"""Stocks that run: up on the day, above their VWAP, with a strong RSI, above their moving
average."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, IndicatorKey, ScannerParams


class MomentumScanner(ColumnarScanner):
    """Intraday momentum, after the criteria day traders screen for.

    close > min_price; close / prev_close - 1 > min_change; close > session_vwap; Wilder's RSI above
    min_rsi; close > SMA. RSI and SMA are of base-interval bars and run on across sessions.
    """

    class Params(ScannerParams):
        min_price: float = Field(5.0, description="latest close must be above this, in currency")
        min_change: float = Field(
            0.03,
            description="change since the previous regular close must be above this; 0.03 is 3 %",
        )
        rsi_period: int = Field(14, ge=2, description="bars of Wilder's RSI")
        min_rsi: float = Field(70.0, ge=0, le=100, description="RSI must be above this")
        sma_period: int = Field(
            20, ge=1, description="bars of the moving average that close must be above"
        )
        interval: str = Field("1m", description="interval of the RSI's and the average's bars")
        limit: int | None = Field(
            None, ge=1, description="keep the best so many a tick, by change; null keeps all"
        )

    rank_by = "change"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        self.limit = self.params.limit
        self._rsi = IndicatorKey.make(
            "rsi", {"period": self.params.rsi_period}, self.params.interval
        ).name
        self._sma = IndicatorKey.make(
            "sma", {"period": self.params.sma_period}, self.params.interval
        ).name

    def features(self) -> dict[str, pl.Expr]:
        close = pl.col("close")
        return {
            "close": close,
            "change": close / pl.col("prev_close") - 1,
            "vwap_distance": close / pl.col("session_vwap") - 1,
            "rsi": pl.col(self._rsi),
            "session_volume": pl.col("session_volume"),
        }

    def criteria(self) -> dict[str, pl.Expr]:
        close, params = pl.col("close"), self.params
        return {
            "price": close > params.min_price,
            "up_on_the_day": close / pl.col("prev_close") - 1 > params.min_change,
            "above_vwap": close > pl.col("session_vwap"),
            "strong_rsi": pl.col(self._rsi) > params.min_rsi,
            "above_sma": close > pl.col(self._sma),
        }
