"""The strategy API: ColumnarStrategy declares expressions, Strategy.on_bar is code.

Both use the same broker.
"""

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
    """Typed parameters of a strategy.

    A config's "config" block overrides the defaults; unknown keys are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: float = Field(10.0, gt=0, description="size of an entry, in the unit of size_unit")
    size_unit: SizeUnit = Field(
        "percent",
        description='"shares", "cash" (currency), "percent" (of equity), '
        'or "risk" (percent of equity lost if the stop is hit)',
    )


class Strategy(ABC):
    """Decides at the ticks of its schedule, and places orders through its context.

    `self.params` holds its parameters. There is one instance per run, which may keep state of its
    own.
    """

    Params: ClassVar[type[StrategyParams]] = StrategyParams

    def __init__(self, config: dict[str, Any] | None = None):
        self.config: dict[str, Any] = dict(config or {})
        self.params: Any = parse_params(self.Params, self.config, type(self).__module__)

    def indicators(self) -> Sequence[IndicatorKey | str]:
        """Keys of the indicators that it reads; they are warm when a symbol is promoted."""
        return ()

    def on_session(self, context: StrategyContext) -> None:  # noqa: B027  overriding it is a choice
        """Called once per session, at its open."""

    @abstractmethod
    def on_bar(self, context: StrategyContext) -> None:
        """Called at each tick of the schedule.

        The context holds what is known now, what is held, and the orders.
        """


class ColumnarStrategy(Strategy):
    """Declares entries and exits as expressions over the active symbols' columns.

    The columns are those of scans: the latest bar, the session so far, indicators by their key.
    Conditions are evaluated at every tick of the schedule. An entry is taken where the strategy has
    neither a position nor an entry order on that side.

    In the prices and the size, the column `side` is 1 for a long entry and -1 for a short one. An
    entry is refused where a declared price is null; `orders.parquet` lists the refusal once per
    session and symbol.
    """

    edge: bool = False  # enter only when the condition turns true
    once_a_session: bool = False  # one entry per session and symbol
    max_bars: int | None = None  # close a position after so many bars
    rebalance_band: float = 0.0  # part of equity; smaller changes of weight are not traded
    rank_by: pl.Expr | None = (
        None  # where money or positions are short, the largest first; ties by symbol
    )

    def entries(self) -> dict[str, pl.Expr]:
        """Named conditions; any that holds opens a long position.

        The first that holds is the trade's entry reason.
        """
        return {}

    def short_entries(self) -> dict[str, pl.Expr]:
        """Named conditions; any that holds opens a short position.

        Where long and short entries hold, neither is taken.
        """
        return {}

    def exits(self) -> dict[str, pl.Expr]:
        """Named conditions; any that holds closes a long position at the market.

        Entry orders of the symbol are cancelled.
        """
        return {}

    def short_exits(self) -> dict[str, pl.Expr]:
        """The same as `exits` for short positions."""
        return {}

    def limit(self) -> pl.Expr | None:
        """Limit price of an entry; None: a market order."""
        return None

    def stop(self) -> pl.Expr | None:
        """Stop price of an entry; with a limit too, the order is a stop-limit order."""
        return None

    def stop_loss(self) -> pl.Expr | None:
        """Stop price that protects the position."""
        return None

    def take_profit(self) -> pl.Expr | None:
        """Limit price that takes the position's profit."""
        return None

    def trailing_stop(self) -> pl.Expr | None:
        """Distance, in currency, of a stop that follows the position's best price."""
        return None

    def size(self) -> pl.Expr:
        """Size of an entry in the unit `params.size_unit`."""
        return pl.lit(self.params.size)

    def weights(self) -> pl.Expr | None:
        """In place of entries and exits: the part of equity that each symbol should have.

        Below 0: short. Null leaves the position as it is.
        """
        return None

    def on_bar(self, context: StrategyContext) -> None:
        """Do nothing: the expressions decide."""
        raise NotImplementedError("a columnar strategy is not asked bar by bar")
