"""Gaps that are closed again."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from engine.strategies.base import ColumnarStrategy, StrategyParams


class GapFade(ColumnarStrategy):
    """Trades a moderate gap back towards the previous close.

    After John F. Carter, Mastering the Trade (2005), chapter 7, "The opening gap": gaps that are
    neither too small nor too large are faded soon after the open, the target is the previous close,
    the stop as far away as the target. A dividend is no gap: the previous close is `prev_close_ex`.
    """

    once_a_session = True

    class Params(StrategyParams):
        min_gap: float = Field(
            0.01, gt=0, description="gap at the open at least this, up or down; 0.01 is 1 %"
        )
        max_gap: float = Field(0.04, gt=0, description="gap at the open at most this")
        after: int = Field(5, ge=1, description="minutes from the open at which it is entered")
        stop_r: float = Field(
            1.0, gt=0, description="distance of the stop from the entry, in that of the target"
        )

    def _gap(self) -> pl.Expr:
        return pl.col("session_open") / pl.col("prev_close_ex") - 1

    def _now(self) -> pl.Expr:
        return pl.col("minute") == self.params.after

    def entries(self) -> dict[str, pl.Expr]:
        """A gap down that is still open."""
        gap = self._gap().is_between(-self.params.max_gap, -self.params.min_gap)
        return {"gap_down": gap & self._now() & (pl.col("close") < pl.col("prev_close_ex"))}

    def short_entries(self) -> dict[str, pl.Expr]:
        """A gap up that is still open."""
        gap = self._gap().is_between(self.params.min_gap, self.params.max_gap)
        return {"gap_up": gap & self._now() & (pl.col("close") > pl.col("prev_close_ex"))}

    def take_profit(self) -> pl.Expr:
        """The previous close."""
        return pl.col("prev_close_ex")

    def stop_loss(self) -> pl.Expr:
        """As far from the entry as the target, or a multiple of it."""
        return pl.col("close") - (pl.col("prev_close_ex") - pl.col("close")) * self.params.stop_r
