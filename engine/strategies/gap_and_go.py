"""Gaps that go on."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from engine.strategies.base import ColumnarStrategy, SizeUnit, StrategyParams


class GapAndGo(ColumnarStrategy):
    """Buys a stock that gapped up and breaks the high of its first minutes above its VWAP.

    After Ross Cameron, How to Day Trade (2015), "Gap and Go": the gap must be there at the open,
    the break early in the session; the stop is the low of the opening range, the target a multiple
    of that distance; out early where it closes below its VWAP. A dividend is no gap: the previous
    close is `prev_close_ex`.
    """

    once_a_session = True

    class Params(StrategyParams):
        size: float = Field(0.5, gt=0, description="size of an entry, in the unit of size_unit")
        size_unit: SizeUnit = Field(
            "risk",
            description='"shares", "cash", "percent" (of equity) or "risk" (percent of equity)',
        )
        min_gap: float = Field(
            0.03, description="open over previous close - 1 must be at least this; 0.03 is 3 %"
        )
        minutes: int = Field(5, ge=1, description="length of the opening range that must be broken")
        interval: str = Field("1m", description="interval of the bars that the range is made of")
        until: int = Field(
            90, ge=1, description="minutes from the open after which nothing is entered"
        )
        target_r: float = Field(
            2.0, gt=0, description="distance of the target from the entry, in those of the stop"
        )

    def _range(self, side: str) -> pl.Expr:
        return pl.col(f"opening_range_{self.params.minutes}_{self.params.interval}.{side}")

    def entries(self) -> dict[str, pl.Expr]:
        """A gap, and a break of the opening range above the VWAP."""
        gap = pl.col("session_open") / pl.col("prev_close_ex") - 1 >= self.params.min_gap
        early = (pl.col("minute") > self.params.minutes) & (pl.col("minute") <= self.params.until)
        broke = (pl.col("close") > self._range("high")) & (pl.col("close") > pl.col("session_vwap"))
        return {"gap_and_break": gap & early & broke}

    def exits(self) -> dict[str, pl.Expr]:
        """Back below the VWAP."""
        return {"below_vwap": pl.col("close") < pl.col("session_vwap")}

    def stop_loss(self) -> pl.Expr:
        """The low of the opening range."""
        return self._range("low")

    def take_profit(self) -> pl.Expr:
        """A multiple of the risk."""
        return pl.col("close") + (pl.col("close") - self._range("low")) * self.params.target_r
