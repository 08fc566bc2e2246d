"""New highs: of the session, of n days, of 52 weeks."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams

WEEKS_52 = 252


class NewHighScanner(ColumnarScanner):
    """Stocks whose session's high is a new one.

    session: the latest bar made the session's high, not being its first. days: the session's high
    is at least that of the last `days` sessions. 52_weeks: the same of 252. Highs of a year lead to
    further ones (Thomas George and Chuan-Yang Hwang, The 52-Week High and Momentum Investing,
    2004); highs of 20 and 55 days are Richard Donchian's and the Turtles' entries.
    """

    class Params(ScannerParams):
        kind: Literal["session", "days", "52_weeks"] = Field(
            "days", description="which highs to find"
        )
        days: int = Field(20, ge=1, description="sessions, for kind days")
        min_rvol: float = Field(
            0.0,
            ge=0,
            description=(
                "volume so far over the usual one by this time must be at least this; 0: any"
            ),
        )
        rvol_sessions: int = Field(10, ge=1, description="sessions that make the usual volume")
        min_price: float = Field(5.0, description="close must be at least this, in currency")
        limit: int | None = Field(
            None,
            ge=1,
            description="keep the best so many a tick, by change on the day; null keeps all",
        )

    rank_by = "change"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        p = self.params
        self.limit = p.limit
        days = WEEKS_52 if p.kind == "52_weeks" else p.days
        self._before = pl.col(f"donchian_channels_{days}_1d.upper")

    def features(self) -> dict[str, pl.Expr]:
        features = {
            "close": pl.col("close"),
            "session_high": pl.col("session_high"),
            "change": pl.col("close") / pl.col("prev_close") - 1,
        }
        return (
            features if self.params.kind == "session" else {**features, "high_before": self._before}
        )

    def criteria(self) -> dict[str, pl.Expr]:
        p = self.params
        if p.kind == "session":
            clauses = {
                "new_high": (pl.col("session_extremes_1m.new_high") == 1)
                & (pl.col("bars_today") > 1)
            }
        else:
            clauses = {"new_high": pl.col("session_high") >= self._before}
        clauses["price"] = pl.col("close") >= p.min_price
        if p.min_rvol:
            clauses["volume"] = pl.col(f"rvol_{p.rvol_sessions}_1m") >= p.min_rvol
        return clauses
