"""Crossings of two moving averages."""

from __future__ import annotations

from typing import Literal

import polars as pl
from pydantic import Field

from engine.strategies.base import ColumnarStrategy, StrategyParams


class MovingAverageCross(ColumnarStrategy):
    """Long from where the fast average crosses above the slow one to where it crosses back.

    Short the other way round.

    After William Brock, Josef Lakonishok and Blake LeBaron, Simple Technical Trading Rules and the
    Stochastic Properties of Stock Returns (1992), the variable-length rule without a band. A
    symbol's first instant can be no crossing: what was before is not known.
    """

    edge = True

    class Params(StrategyParams):
        fast: int = Field(10, ge=1, description="period of the fast average")
        slow: int = Field(20, ge=2, description="period of the slow average")
        average: Literal["sma", "ema"] = Field("sma", description="kind of the averages")
        interval: str = Field("1d", description="interval of the bars they are of")
        sides: Literal["both", "long"] = Field(
            "both", description="whether crossings down are sold short"
        )

    def _average(self, period: int) -> pl.Expr:
        return pl.col(f"{self.params.average}_{period}_{self.params.interval}")

    def _above(self) -> pl.Expr:
        return self._average(self.params.fast) > self._average(self.params.slow)

    def _below(self) -> pl.Expr:
        return self._average(self.params.fast) < self._average(self.params.slow)

    def entries(self) -> dict[str, pl.Expr]:
        """The fast average comes to be above the slow one."""
        return {"crossed_up": self._above()}

    def short_entries(self) -> dict[str, pl.Expr]:
        """The fast average comes to be below the slow one."""
        return {"crossed_down": self._below()} if self.params.sides == "both" else {}

    def exits(self) -> dict[str, pl.Expr]:
        """The fast average is below the slow one."""
        return {"crossed_down": self._below()}

    def short_exits(self) -> dict[str, pl.Expr]:
        """The fast average is above the slow one."""
        return {"crossed_up": self._above()}
