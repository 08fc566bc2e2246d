"""A strategy in a run: its instance, its schedule, what it may trade, and its errors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.clock.calendar import Session
from engine.config.models import StrategyConfig
from engine.errors import StrategyError
from engine.indicators.key import IndicatorKey
from engine.panel.bars import Ints
from engine.plug_ins import instantiate, plug_in_code
from engine.runtime.module_loader import Kind, load_class
from engine.scan.cross_section import CrossSection
from engine.scan.scan_plan import indicators_named
from engine.scan.ticks import Scheduled
from engine.trading.rules import StrategyTerms
from engine.trading.signal_plan import SignalPlan
from engine.trading.strategy import ColumnarStrategy, Strategy

STRATEGIES = Kind(
    "strategy",
    Strategy,  # type: ignore[type-abstract]
    "engine.strategies.base.Strategy",
    "engine.strategies",
    StrategyError,
)


@dataclass
class StrategyRuntime:
    """A strategy and what the run keeps with it.

    schedules  when it decides
    scanners   the scanners whose hits it trades; None for all active symbols
    plan       its checked expressions; None for a strategy with on_bar of its own
    """

    name: str
    index: int
    strategy: Strategy
    config: StrategyConfig
    schedules: Sequence[Scheduled]
    plan: SignalPlan | None
    errors: list[tuple[int, str]] = field(default_factory=list)  # time and message

    @classmethod
    def load(cls, config: StrategyConfig, index: int, every_bar: Scheduled) -> StrategyRuntime:
        """Load a config's strategy; raises StrategyError and ConfigError."""
        strategy: Strategy = instantiate(
            load_class(config.module, STRATEGIES), config.label, StrategyError, dict(config.config)
        )
        schedules = (
            [part.schedule() for part in config.regular_session]
            if config.regular_session
            else [every_bar]
        )
        plan = (
            SignalPlan.build(config.label, strategy)
            if isinstance(strategy, ColumnarStrategy)
            else None
        )
        return cls(config.label, index, strategy, config, schedules, plan)

    @property
    def keys(self) -> list[IndicatorKey]:
        """The indicators that the strategy reads."""
        if self.plan:
            return list(self.plan.indicators)
        with plug_in_code("indicators()", self.name, StrategyError, type(self.strategy).indicators):
            return list(indicators_named(self.strategy.indicators(), ()))

    @property
    def scanners(self) -> list[str] | None:
        """The scanners whose hits the strategy trades; None for all active symbols."""
        return self.config.scanners

    @property
    def terms(self) -> StrategyTerms:
        """The strategy's limits for the broker."""
        return self.terms_with(self.config)

    def terms_with(self, config: StrategyConfig) -> StrategyTerms:
        """The strategy's limits for the broker, with those of another config."""
        own = self.strategy
        limits = (config.max_open_positions or 0, config.max_percent or 0.0)
        if not isinstance(own, ColumnarStrategy):
            return StrategyTerms(self.name, "shares", False, 0.0, *limits)
        return StrategyTerms(
            self.name,
            own.params.size_unit,
            own.once_a_session,
            own.rebalance_band,
            *limits,
            own.max_bars or 0,
        )

    def ticks(self, session: Session) -> Ints:
        """int64 [ticks], microseconds: the strategy's ticks in a session, open to close."""
        parts = [np.array([session.open] if self.config.pre_session else [], np.int64)]
        ticks = np.unique(
            np.concatenate([*parts, *(schedule.ticks(session) for schedule in self.schedules)])
        )
        return ticks[(ticks >= session.open) & (ticks <= session.close)]

    def view(self, cross: CrossSection) -> CrossSection:
        """The close-up as the strategy's expressions read it.

        With the values at its tick before, where expressions use `previous`.
        """
        return (
            cross.following(self) if self.plan is not None and self.plan.columns_before else cross
        )

    def told(self, utc: Callable[[int], dt.datetime]) -> dict[str, Any]:
        """The number of failures and the first ones, for the manifest."""
        first = [{"time": str(utc(time)), "error": said} for time, said in self.errors[:5]]
        return {"errors": len(self.errors), "first_errors": first}
