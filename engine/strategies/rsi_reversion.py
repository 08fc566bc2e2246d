"""Short-term reversion after a low RSI."""

from __future__ import annotations

import polars as pl
from pydantic import Field

from engine.strategies.base import ColumnarStrategy, StrategyParams


class RsiReversion(ColumnarStrategy):
    """Buys a stock in a long-term uptrend whose short RSI is low, and sells it where it is back
    above its short average.

    After Larry Connors and Cesar Alvarez, Short Term Trading Strategies That Work (2008), "The
    2-period RSI": close above its 200-day average, RSI(2) below 10, out where the close is above
    its 5-day average. The lowest RSI is bought first.
    """

    class Params(StrategyParams):
        period: int = Field(2, ge=2, description="period of the RSI")
        below: float = Field(10.0, gt=0, lt=100, description="RSI below which it is bought")
        trend: int = Field(
            200, ge=2, description="period of the average that the close must be above"
        )
        exit_average: int = Field(
            5, ge=2, description="period of the average above which it is sold"
        )
        interval: str = Field("1d", description="interval of the bars")
        max_bars: int | None = Field(
            None, ge=1, description="sell after so many bars; null: however long it takes"
        )

    @property
    def max_bars(self) -> int | None:  # type: ignore[override]
        """Out after so many bars."""
        bars: int | None = self.params.max_bars
        return bars

    def _of(self, name: str, period: int) -> pl.Expr:
        return pl.col(f"{name}_{period}_{self.params.interval}")

    @property
    def rank_by(self) -> pl.Expr:  # type: ignore[override]
        """The lowest RSI first."""
        return -self._of("rsi", self.params.period)

    def entries(self) -> dict[str, pl.Expr]:
        """Oversold in an uptrend."""
        oversold = self._of("rsi", self.params.period) < self.params.below
        return {"oversold": oversold & (pl.col("close") > self._of("sma", self.params.trend))}

    def exits(self) -> dict[str, pl.Expr]:
        """Back above the short average."""
        return {"recovered": pl.col("close") > self._of("sma", self.params.exit_average)}
