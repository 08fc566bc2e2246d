"""Pullbacks to the volume weighted average price."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from engine.strategies.base import ColumnarStrategy, SizeUnit, StrategyParams


class VwapPullback(ColumnarStrategy):
    """Buys a stock that is up on the day where a bar touches its VWAP and closes above it.

    After Brian Shannon, Maximum Trading Gains With Anchored VWAP (2023): above the VWAP of the day
    buyers are in control, and a pullback to it that holds is where they are expected again. The
    stop is a part of the daily ATR below the VWAP, the target the session's high so far or a
    multiple of the risk, whichever is farther.
    """

    once_a_session = True

    class Params(StrategyParams):
        size: float = Field(0.5, gt=0, description="size of an entry, in the unit of size_unit")
        size_unit: SizeUnit = Field(
            "risk",
            description='"shares", "cash", "percent" (of equity) or "risk" (percent of equity)',
        )
        min_change: float = Field(
            0.02, description="close over previous close - 1 must be at least this; 0.02 is 2 %"
        )
        after: int = Field(
            30, ge=1, description="minutes from the open before which nothing is entered"
        )
        until: int = Field(
            330, ge=1, description="minutes from the open after which nothing is entered"
        )
        stop_atr: float = Field(
            0.15, gt=0, description="distance of the stop below the VWAP, in daily ATRs"
        )
        target_r: float = Field(
            2.0,
            gt=0,
            description="distance of the target from the entry at least, in that of the stop",
        )

    def entries(self) -> dict[str, pl.Expr]:
        """A bar that touched the VWAP and closed above it."""
        strong = pl.col("close") / pl.col("prev_close") - 1 >= self.params.min_change
        held = (
            (pl.col("low") <= pl.col("session_vwap"))
            & (pl.col("close") > pl.col("session_vwap"))
            & pl.col("bar_today")
        )
        return {
            "vwap_held": strong
            & held
            & pl.col("minute").is_between(self.params.after, self.params.until)
        }

    def stop_loss(self) -> pl.Expr:
        """Below the VWAP."""
        return pl.col("session_vwap") - pl.col("atr_14_1d") * self.params.stop_atr

    def take_profit(self) -> pl.Expr:
        """The session's high, or farther."""
        risk = pl.col("close") - self.stop_loss()
        return pl.max_horizontal(
            pl.col("session_high"), pl.col("close") + risk * self.params.target_r
        )
