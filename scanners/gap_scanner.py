"""Stocks that open, or are about to open, away from yesterday's close."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams


class GapScanner(ColumnarScanner):
    """Gaps between the previous regular close and the first price of today.

    After the open the first price is the session's open. Before it, at the pre-session tick, it is
    the latest pre-market close, so the archive must have pre-market bars and the config
    `extended_hours`; a symbol that has not traded today has no gap. Where the archive knows
    dividends, the previous close is taken without those that have gone ex since: gap = first price
    / (prev_close - dividend) - 1.
    """

    class Params(ScannerParams):
        min_gap: float = Field(
            0.02, ge=0, description="size of the gap must be at least this; 0.02 is 2 %"
        )
        direction: Literal["up", "down", "both"] = Field("both", description="which gaps to find")
        min_price: float = Field(5.0, description="first price must be at least this, in currency")
        min_average_volume: float = Field(
            0.0, ge=0, description="20-day average daily volume must be at least this, in shares"
        )
        limit: int | None = Field(
            50, ge=1, description="keep the largest so many a tick; null keeps all"
        )

    rank_by = "gap_size"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        self.limit = self.params.limit

    def _first_price(self) -> pl.Expr:
        return pl.coalesce("session_open", pl.when(pl.col("bar_today")).then(pl.col("close")))

    def features(self) -> dict[str, pl.Expr]:
        gap = self._first_price() / pl.col("prev_close_ex") - 1
        return {
            "first_price": self._first_price(),
            "prev_close": pl.col("prev_close"),
            "dividend": pl.col("dividend"),
            "gap": gap,
            "gap_size": gap.abs(),
            "average_volume": pl.col("volume_sma_20_1d"),
        }

    def criteria(self) -> dict[str, pl.Expr]:
        gap = self._first_price() / pl.col("prev_close_ex") - 1
        size = {"up": gap, "down": -gap, "both": gap.abs()}[self.params.direction]
        clauses = {
            "price": self._first_price() >= self.params.min_price,
            "gap": size >= self.params.min_gap,
        }
        if self.params.min_average_volume:
            clauses["liquid"] = pl.col("volume_sma_20_1d") >= self.params.min_average_volume
        return clauses
