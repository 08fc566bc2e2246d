"""Strategies whose prices are not always there, or on the wrong side, for tests."""

from __future__ import annotations

import math

import polars as pl

from engine.strategies.base import ColumnarStrategy, Strategy, StrategyContext, StrategyParams


class Declared(ColumnarStrategy):
    """Enters at every bar; one of its prices has no value in the session's first hour."""

    class Params(StrategyParams):
        price: str = "stop_loss"
        wrong: bool = False  # on the wrong side rather than without a value

    def entries(self) -> dict[str, pl.Expr]:
        return {"always": pl.col("close") > 0}

    def _price(self, name: str, value: pl.Expr, wrong: pl.Expr) -> pl.Expr | None:
        if self.params.price != name:
            return None
        early = pl.col("minute") <= 60
        return pl.when(early).then(wrong if self.params.wrong else None).otherwise(value)

    def stop_loss(self) -> pl.Expr | None:
        return self._price("stop_loss", pl.col("close") * 0.5, pl.col("close") * 1.5)

    def take_profit(self) -> pl.Expr | None:
        return self._price("take_profit", pl.col("close") * 1.5, pl.col("close") * 0.5)

    def trailing_stop(self) -> pl.Expr | None:
        return self._price("trailing_stop", pl.col("close") * 0.5, -pl.col("close"))

    def limit(self) -> pl.Expr | None:
        return self._price("limit", pl.col("close") * 1.01, -pl.col("close"))


class ByHand(Strategy):
    """The same bar by bar, with NaN for what has no value; keeps what it was told in `told`."""

    class Params(StrategyParams):
        price: str = "stop_loss"

    told: list[str] = []  # noqa: RUF012  read by a test

    def on_bar(self, context: StrategyContext) -> None:
        if context.value("AAPL", "minute") == 1:
            assert context.buy("AAPL", 1, **{self.params.price: math.nan}) is None
            self.told.append(context.refusal("AAPL"))


class Flipping(Strategy):
    """Long and short by turns: closes what it holds and orders the other side in the same bar, every half hour."""

    def on_bar(self, context: StrategyContext) -> None:
        minute = int(context.value("AAPL", "minute"))
        if minute % 30 or minute > 360:
            return
        side = 1 if minute % 60 else -1
        context.close("AAPL")
        context.order("AAPL", side, 10, stop_loss=context.value("AAPL", "close") * (1 - side * 0.5))
