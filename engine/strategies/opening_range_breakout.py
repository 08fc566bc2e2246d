"""Breakout of the opening range, in the direction of its first minutes."""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field

from engine.strategies.base import ColumnarStrategy, SizeUnit, StrategyParams


class OpeningRangeBreakout(ColumnarStrategy):
    """A stop order where the opening range ends, on the side that its minutes point to, with a
    tight stop.

    After Carlo Zarattini, Andrea Barbon and Andrew Aziz, A Profitable Day Trading Strategy For The
    U.S. Equity Market (2024): where the first 5 minutes closed up, buy a break of their high; where
    they closed down, sell a break of their low; the stop is a tenth of the daily ATR(14) from the
    entry, 1 % of equity at risk, leverage 4 at most, out at the close (the account's
    `flat_at_close`). Their stocks in play are what scanners.opening_range_scanner finds, scanned
    once when the range is over.
    """

    once_a_session = True

    class Params(StrategyParams):
        size: float = Field(1.0, gt=0, description="size of an entry, in the unit of size_unit")
        size_unit: SizeUnit = Field(
            "risk",
            description='"shares", "cash", "percent" (of equity) or "risk" (percent of equity)',
        )
        minutes: int = Field(
            5, ge=1, description="length of the opening range; orders are placed when it is over"
        )
        interval: str = Field("1m", description="interval of the bars that the range is made of")
        stop_atr: float = Field(
            0.1, gt=0, description="distance of the stop from the entry, in daily ATRs"
        )
        target_r: float | None = Field(
            None, gt=0, description="distance of the target, in those of the stop; null for none"
        )
        sessions: int = Field(14, ge=1, description="sessions of the ATR")
        sides: Literal["both", "long", "short"] = Field(
            "both", description="which breakouts are traded"
        )

    def _entry(self) -> pl.Expr:
        bounds = f"opening_range_{self.params.minutes}_{self.params.interval}"
        return (
            pl.when(pl.col("side") > 0)
            .then(pl.col(f"{bounds}.high"))
            .otherwise(pl.col(f"{bounds}.low"))
        )

    def _risk(self) -> pl.Expr:
        return pl.col(f"atr_{self.params.sessions}_1d") * self.params.stop_atr

    def _now(self) -> pl.Expr:
        return pl.col("minute") == self.params.minutes

    def entries(self) -> dict[str, pl.Expr]:
        """Minutes that closed up."""
        return {
            "range_closed_up": self._now()
            & (pl.col("close") > pl.col("session_open"))
            & pl.lit(self.params.sides != "short")
        }

    def short_entries(self) -> dict[str, pl.Expr]:
        """Minutes that closed down."""
        return {
            "range_closed_down": self._now()
            & (pl.col("close") < pl.col("session_open"))
            & pl.lit(self.params.sides != "long")
        }

    def stop(self) -> pl.Expr:
        """The end of the range."""
        return self._entry()

    def stop_loss(self) -> pl.Expr:
        """A part of the ATR from the entry."""
        return self._entry() - pl.col("side") * self._risk()

    def take_profit(self) -> pl.Expr | None:
        """A multiple of the risk."""
        if self.params.target_r is None:
            return None
        return self._entry() + pl.col("side") * self._risk() * self.params.target_r
