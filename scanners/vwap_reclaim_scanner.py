"""Stocks that take their VWAP back after a while below it."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams


class VwapReclaimScanner(ColumnarScanner):
    """The latest few bars closed above the session's VWAP after many below it; or, side lost, the
    other way round.

    Crossing back over the volume-weighted average price says that the day's average buyer is in
    profit again (Brian Shannon, Maximum Trading Gains With Anchored VWAP, 2023). Bars are minutes;
    a minute without a trade does not count.
    """

    class Params(ScannerParams):
        side: Literal["reclaimed", "lost"] = Field(
            "reclaimed", description="back above the VWAP, or back below it"
        )
        min_before: int = Field(15, ge=1, description="bars in a row on the other side before")
        max_since: int = Field(5, ge=1, description="bars in a row on this side since, at most")
        min_rvol: float = Field(
            1.0,
            ge=0,
            description=(
                "volume so far over the usual one by this time must be at least this; 0: any"
            ),
        )
        rvol_sessions: int = Field(10, ge=1, description="sessions that make the usual volume")
        min_price: float = Field(5.0, description="close must be at least this, in currency")
        limit: int | None = Field(
            20,
            ge=1,
            description=(
                "keep the best so many a tick, by length of the streak before; null keeps all"
            ),
        )

    rank_by = "bars_before"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        self.limit = self.params.limit
        sign = 1 if self.params.side == "reclaimed" else -1
        self._since, self._before = (
            sign * pl.col("vwap_streak_1m.streak"),
            -sign * pl.col("vwap_streak_1m.before"),
        )

    def features(self) -> dict[str, pl.Expr]:
        return {
            "close": pl.col("close"),
            "session_vwap": pl.col("session_vwap"),
            "bars_since": self._since,
            "bars_before": self._before,
            "change": pl.col("close") / pl.col("prev_close") - 1,
        }

    def criteria(self) -> dict[str, pl.Expr]:
        p = self.params
        clauses = {
            "price": pl.col("close") >= p.min_price,
            "on_this_side": (self._since >= 1) & (self._since <= p.max_since),
            "long_on_the_other": self._before >= p.min_before,
        }
        if p.min_rvol:
            clauses["volume"] = pl.col(f"rvol_{p.rvol_sessions}_1m") >= p.min_rvol
        return clauses
