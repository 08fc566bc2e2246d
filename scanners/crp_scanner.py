"""Strong and weak openings: the close near an end of a range that is narrow so far, on rising
volume.
"""

from __future__ import annotations

from typing import Any, Literal

import polars as pl
from pydantic import Field

from scanners.base import ColumnarScanner, ScannerParams


class CrpScanner(ColumnarScanner):
    """Close range position (CRP): where the latest close lies between the session's low (0) and
    high (1).

    Found are stocks at an end of the session's range, while that range is still narrower than usual
    and volume runs ahead of the same time of earlier sessions, up to a cut-off soon after the open.
    The close's place in the range is Williams' %R turned around; a range narrower than those before
    as a spring is Toby Crabel's (Day Trading with Short Term Price Patterns, 1990).
    """

    class Params(ScannerParams):
        side: Literal["top", "bottom", "both"] = Field("both", description="which end of the range")
        part: float = Field(
            0.2,
            gt=0,
            lt=0.5,
            description="the close must lie in this part of the range at its end; 0.2 is a fifth",
        )
        max_range: float = Field(
            0.6,
            gt=0,
            description=(
                "range so far, in percent of the low, over the average daily range must "
                "be at most this"
            ),
        )
        range_sessions: int = Field(20, ge=1, description="sessions of the average daily range")
        min_rvol: float = Field(
            1.2,
            ge=0,
            description="volume so far over the usual one by this time must be at least this",
        )
        rvol_sessions: int = Field(10, ge=1, description="sessions that make the usual volume")
        within_minutes: int = Field(
            20, ge=1, description="cut-off, in minutes after the open; 20 is 09:50 in New York"
        )
        min_price: float = Field(5.0, description="close must be at least this, in currency")
        limit: int | None = Field(
            20, ge=1, description="keep the best so many a tick, by rvol; null keeps all"
        )

    rank_by = "rvol"

    def __init__(self, config: dict[str, Any] | None = None, **parameters: Any):
        super().__init__(config, **parameters)
        self.limit = self.params.limit
        low, high = pl.col("session_low"), pl.col("session_high")
        self._position = (pl.col("close") - low) / (high - low)
        self._range = (
            100 * (high / low - 1) / pl.col(f"average_daily_range_{self.params.range_sessions}_1d")
        )
        self._rvol = pl.col(f"rvol_{self.params.rvol_sessions}_1m")

    def features(self) -> dict[str, pl.Expr]:
        return {
            "close": pl.col("close"),
            "crp": self._position,
            "range": self._range,
            "rvol": self._rvol,
        }

    def criteria(self) -> dict[str, pl.Expr]:
        p, top, bottom = (
            self.params,
            self._position >= 1 - self.params.part,
            self._position <= self.params.part,
        )
        return {
            "in_time": pl.col("minute") <= p.within_minutes,
            "price": pl.col("close") >= p.min_price,
            "at_the_end": {"top": top, "bottom": bottom, "both": top | bottom}[p.side],
            "narrow": self._range <= p.max_range,
            "rising_volume": self._rvol >= p.min_rvol,
        }
