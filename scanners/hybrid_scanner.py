"""Gappers before the open, and through the day those that hold their gap on unusual volume."""

from __future__ import annotations

from typing import Any

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams


class HybridScanner(ColumnarScanner):
    """A gap that holds: found before the open on pre-market prices, confirmed on schedule after it.

    Price against the previous close at least min_gap; once the session trades, also above its VWAP
    and with min_rvol times the volume that is usual by this time of day. A price of today is
    measured against the previous close without the dividends that have gone ex since, where the
    archive knows them.
    """

    class Params(ScannerParams):
        min_gap: float = Field(
            0.02,
            ge=0,
            description="price over the previous regular close, minus 1, must be at least this",
        )
        min_price: float = Field(5.0, description="price must be at least this, in currency")
        min_rvol: float = Field(
            1.5,
            ge=0,
            description="volume so far over the usual volume by this time, once the session trades",
        )
        rvol_sessions: int = Field(
            10, ge=1, description="how many earlier sessions make the usual volume"
        )
        limit: int | None = Field(
            20, ge=1, description="keep the best so many a tick, by rvol; null keeps all"
        )

    rank_by = "rvol"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        self.limit = self.params.limit
        self._rvol = f"rvol_{self.params.rvol_sessions}_1m"

    def _above(self, reference: str) -> pl.Expr:
        least: float = self.params.min_gap
        return pl.col("close") / pl.col(reference) - 1 >= least

    def features(self) -> dict[str, pl.Expr]:
        return {
            "close": pl.col("close"),
            "change": pl.col("close") / pl.col("prev_close") - 1,
            "rvol": pl.col(self._rvol),
            "session_vwap": pl.col("session_vwap"),
        }

    def criteria(self) -> dict[str, pl.Expr]:
        close, before_open = pl.col("close"), pl.col("bars_today") == 0
        return {
            "price": close >= self.params.min_price,
            "gap_holds": self._above("prev_close_ex")
            & (pl.col("bar_today") | self._above("prev_close")),
            "above_vwap": before_open | (close >= pl.col("session_vwap")),
            "unusual_volume": before_open | (pl.col(self._rvol) >= self.params.min_rvol),
        }
