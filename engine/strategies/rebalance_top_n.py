"""Holding the best of a ranking."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from engine.strategies.base import (
    ColumnarStrategy,
    StrategyParams,
    parse_condition,
    parse_value,
    universe_rank,
)


class RebalanceTopN(ColumnarStrategy):
    """Holds the active symbols that rank highest, in equal parts, and rebalances at every instant
    of its schedule.

    The default ranking is the return of about six months, after Narasimhan Jegadeesh and Sheridan
    Titman, Returns to Buying Winners and Selling Losers (1993); any expression of the columns will
    do. Schedule it once a session, such as {"at": "close"}.
    """

    class Params(StrategyParams):
        count: int = Field(10, ge=1, description="how many symbols are held")
        rank_by: str = Field(
            "roc_126_1d", description="expression over the columns; the largest are held"
        )
        where: str | None = Field(
            None, description="condition that a symbol must meet to be ranked; null: none"
        )
        invested: float = Field(
            0.98, gt=0, description="part of equity that is invested, in equal parts"
        )
        band: float = Field(
            0.02,
            ge=0,
            lt=1,
            description="part of equity; smaller changes of a position are not traded",
        )

    @property
    def rebalance_band(self) -> float:  # type: ignore[override]
        """Small changes are not worth their costs."""
        band: float = self.params.band
        return band

    def weights(self) -> pl.Expr:
        """Equal parts for the best, nothing for the others."""
        value = parse_value(self.params.rank_by, "rank_by")
        if self.params.where is not None:
            value = pl.when(parse_condition(self.params.where, "where")).then(value)
        best = universe_rank(value) <= self.params.count
        return pl.when(best).then(self.params.invested / self.params.count).otherwise(0.0)
