"""A strategy in a run: the instance, when it decides, what it may trade, and where it stands."""

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
    """schedules  when it decides
    scanners   whose finds it trades; None for all active symbols
    plan       its columns, None where it decides by itself
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
        """The slot of a config's strategy; raises StrategyError and ConfigError."""
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
        """The indicators it reads."""
        if self.plan:
            return list(self.plan.indicators)
        with plug_in_code("indicators()", self.name, StrategyError, type(self.strategy).indicators):
            return list(indicators_named(self.strategy.indicators(), ()))

    @property
    def scanners(self) -> list[str] | None:
        """Whose finds it trades; None for all active symbols."""
        return self.config.scanners

    @property
    def terms(self) -> StrategyTerms:
        """What the broker must know of it."""
        return self.terms_with(self.config)

    def terms_with(self, config: StrategyConfig) -> StrategyTerms:
        """What the broker must know of it with the limits of a config."""
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
        """int64[ticks], microseconds: when it decides in a session, from the open to the close."""
        parts = [np.array([session.open] if self.config.pre_session else [], np.int64)]
        ticks = np.unique(
            np.concatenate([*parts, *(schedule.ticks(session) for schedule in self.schedules)])
        )
        return ticks[(ticks >= session.open) & (ticks <= session.close)]

    def view(self, cross: CrossSection) -> CrossSection:
        """A close-up as its columns read it.

        With values of its instant before, where they ask for any.
        """
        return (
            cross.following(self) if self.plan is not None and self.plan.columns_before else cross
        )

    def told(self, utc: Callable[[int], dt.datetime]) -> dict[str, Any]:
        """How often it failed, and the first failures."""
        first = [{"time": str(utc(time)), "error": said} for time, said in self.errors[:5]]
        return {"errors": len(self.errors), "first_errors": first}
