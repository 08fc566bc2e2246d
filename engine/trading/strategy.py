"""The strategy API: ColumnarStrategy for what columns can say, Strategy.on_bar for what they cannot. Both use one broker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from engine.indicators.key import IndicatorKey
from engine.scan.base import parse_params
from engine.trading.strategy_context import StrategyContext

SizeUnit = Literal["shares", "cash", "percent", "risk"]


class StrategyParams(BaseModel):
    """Typed parameters of a strategy; a config's "config" block overrides the defaults, unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: float = Field(10.0, gt=0, description="size of an entry, in the unit of size_unit")
    size_unit: SizeUnit = Field(
        "percent",
        description='"shares", "cash" (currency), "percent" (of equity), or "risk" (percent of equity lost if the stop is hit)',
    )


class Strategy(ABC):
    """Decides at the instants of its schedule, and speaks to the broker through its context.

    `self.params` are its parameters. A strategy is made once a run and keeps what it remembers.
    """

    Params: ClassVar[type[StrategyParams]] = StrategyParams

    def __init__(self, config: dict[str, Any] | None = None):
        self.config: dict[str, Any] = dict(config or {})
        self.params: Any = parse_params(self.Params, self.config, type(self).__module__)

    def indicators(self) -> Sequence[IndicatorKey | str]:
        """Indicators that it reads, by key; a symbol has them warm at the tick of its promotion."""
        return ()

    def on_session(self, context: StrategyContext) -> None:  # noqa: B027  overriding it is a choice
        """A session begins: called once at its open."""

    @abstractmethod
    def on_bar(self, context: StrategyContext) -> None:
        """An instant of the schedule: what is known now, what is held, and orders, are in the context."""


class ColumnarStrategy(Strategy):
    """Declare when to enter and leave, as expressions over the active symbols' columns; the broker does the rest.

    The columns are those of scans: the latest bar, the session so far, indicators by their key. Conditions are read at every
    instant of the schedule; an entry is taken where its strategy has no position, nor an order on its way, on that side.
    In the prices and the size, the column `side` is 1 for a long entry and -1 for a short one. An entry is refused in a row
    in which a declared price is null: `orders.parquet` says so, once a session for each symbol.
    """

    edge: bool = False  # enter when the condition turns true, rather than while it holds
    once_a_session: bool = False  # of a symbol, one entry a session
    max_bars: int | None = None  # leave after so many bars
    rebalance_band: float = 0.0  # part of equity; smaller changes of weight are not traded
    rank_by: pl.Expr | None = (
        None  # where money or positions are short, the largest first; ties by symbol
    )

    def entries(self) -> dict[str, pl.Expr]:
        """Named conditions of which any opens a long position; its name is the trade's entry reason."""
        return {}

    def short_entries(self) -> dict[str, pl.Expr]:
        """Named conditions of which any opens a short position. Where long and short hold, neither is taken."""
        return {}

    def exits(self) -> dict[str, pl.Expr]:
        """Named conditions of which any closes a long position at the market, and calls back an entry on its way."""
        return {}

    def short_exits(self) -> dict[str, pl.Expr]:
        """The same for short positions."""
        return {}

    def limit(self) -> pl.Expr | None:
        """Limit price of an entry; None: at the market."""
        return None

    def stop(self) -> pl.Expr | None:
        """Stop price of an entry; with a limit too, a stop-limit order."""
        return None

    def stop_loss(self) -> pl.Expr | None:
        """Price of the stop that protects the position."""
        return None

    def take_profit(self) -> pl.Expr | None:
        """Price of the position's target."""
        return None

    def trailing_stop(self) -> pl.Expr | None:
        """Distance, in currency, at which a stop follows the best price."""
        return None

    def size(self) -> pl.Expr:
        """Size of an entry in the unit `params.size_unit`."""
        return pl.lit(self.params.size)

    def weights(self) -> pl.Expr | None:
        """In place of entries and exits: the part of equity each symbol should have (below 0: short); null leaves it as it is."""
        return None

    def on_bar(self, context: StrategyContext) -> None:
        """Columns decide."""
        raise NotImplementedError("a columnar strategy is not asked bar by bar")
