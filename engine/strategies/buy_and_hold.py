"""Buying once, and holding."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from engine.strategies.base import ColumnarStrategy, StrategyParams


class BuyAndHold(ColumnarStrategy):
    """Buys every symbol it may trade at the first instant, and holds it to the end: what others are
    measured against.

    Without a size equity is shared out equally among the symbols that are active at that instant.
    """

    class Params(StrategyParams):
        size: float | None = Field(
            None,
            gt=0,
            description="size of each, in the unit of size_unit; null: equal parts of equity",
        )  # type: ignore[assignment]

    def entries(self) -> dict[str, pl.Expr]:
        """Whenever it is not held."""
        return {"hold": pl.col("close") > 0}

    def size(self) -> pl.Expr:
        """Equal parts, or what was asked for."""
        if self.params.size is not None:
            return pl.lit(float(self.params.size))
        return (pl.lit(99.5) / pl.col("close").count()).over(
            "tick"
        )  # a little is kept for costs and the next open
