"""Models of a session config.

A key's `description` here is its only documentation: JSON Schema and docs are generated from it.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.clock.interval import Interval
from engine.clock.schedule import AtClose, Schedule
from engine.config.field_types import (
    IntervalName,
    Model,
    Text,
    WallClock,
    collected,
    repeated_names,
    unique_symbols,
)
from engine.config.sweep_model import SweepConfig


class BacktestConfig(Model):
    """The sessions to replay."""

    start_date: dt.date | None = Field(
        None, description="first date; the archive's first session where left out"
    )
    end_date: dt.date | None = Field(
        None, description="last date; the archive's last session where left out"
    )
    on_corrupt: Literal["stop", "skip"] = Field(
        "stop",
        description="what becomes of a run when a session's file cannot be read: it stops, or "
        "goes on as if there were none",
    )

    @model_validator(mode="after")
    def _in_order(self) -> BacktestConfig:
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError(
                f"start_date {self.start_date} is after end_date {self.end_date}: the two are "
                "reversed"
            )
        return self


class Historical(Model):
    """History of the symbols that are always there."""

    trailing_days: int = Field(
        0, ge=0, le=10_000, description="sessions whose bars a symbol's history() gives"
    )


class IndicatorConfig(Model):
    """An indicator that every active symbol has."""

    name: Text = Field(description="name in the catalogue (`barsweep indicators list`)")
    params: dict[str, int | float] = Field(
        {}, description="its parameters; the others take their defaults"
    )
    interval: IntervalName = Field("1m", description="interval of the bars it is computed over")


class ScheduleConfig(Model):
    """Ticks at start, start + interval, ...

    Up to and including end (exchange-local), or at close.
    """

    start: WallClock | None = Field(None, description="first tick, exchange-local, such as 09:35")
    end: WallClock | None = Field(
        None, description="last tick at the latest; cut at the close on an early close"
    )
    interval: IntervalName | None = Field(None, description="time between ticks, such as 5m")
    at: Literal["close"] | None = Field(
        None, description="in place of the others: one tick, at each session's close"
    )

    @model_validator(mode="after")
    def _ticks(self) -> ScheduleConfig:
        given = [name for name in ("start", "end", "interval") if getattr(self, name) is not None]
        if len(given) != (0 if self.at else 3):
            raise ValueError(
                f"got {', '.join([*given, *(['at'] if self.at else [])]) or 'nothing'}; expected "
                "start, end and "
                'interval, or "at": "close" alone'
            )
        collected(lambda _: self.schedule())(None)
        return self

    def schedule(self) -> Schedule | AtClose:
        """The schedule."""
        if self.start is None or self.end is None or self.interval is None:
            return AtClose()
        return Schedule(self.start, self.end, Interval.parse(self.interval))


class ScannerConfig(Model):
    """A scanner and when it scans."""

    module: Text = Field(
        description="module path such as scanners.gap_scanner, or package.module:ClassName"
    )
    enabled: bool = Field(True, description="false leaves it out")
    pre_session: bool = Field(False, description="scan once at the open, before the first bar")
    regular_session: list[ScheduleConfig] | None = Field(
        None, description="schedules in the session; null for none"
    )
    config: dict[str, Any] = Field(
        {}, description="the scanner's own parameters (`barsweep scanners show`)"
    )
    name: Text | None = Field(
        None, description="name in logs and results; the module path where left out"
    )

    @property
    def label(self) -> str:
        """The name in logs and results."""
        return self.name or self.module

    @model_validator(mode="after")
    def _scans(self) -> ScannerConfig:
        if self.enabled and not self.pre_session and not self.regular_session:
            raise ValueError(
                "never scans; expected pre_session: true, or a schedule in regular_session"
            )
        return self


class SessionDataConfig(Model):
    """Which symbols and data a session has, and what looks for more."""

    symbols: Annotated[list[Text], AfterValidator(unique_symbols)] = Field(
        [], description="symbols that are always active"
    )
    streams: list[IntervalName] | None = Field(
        None,
        description="intervals of bars that active symbols have; checked to be multiples of the "
        "archive's; its own where left out",
    )
    historical: Historical = Field(Historical(), description="history of the active symbols")
    indicators: list[IndicatorConfig] = Field(
        [], description="indicators that every active symbol has"
    )
    benchmark: Text | None = Field(
        None, description="symbol that beta, correlation and relative_strength measure against"
    )
    scanners: list[ScannerConfig] = Field(
        [], max_length=1000, description="scanners, run one after the other in this order"
    )
    scan_time_limit: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="seconds that a scanner's setup, a scan, or its teardown may take; null: no "
        "limit. Kept in a process's main "
        "thread, refused in others",
    )
    interval: IntervalName | None = Field(
        None, description="interval of the bars to replay; the archive's shortest where left out"
    )
    min_quality: float | None = Field(
        None,
        gt=0,
        le=100,
        description="scan only symbols that had this percent of the bars of regular hours in the "
        "sessions before; null: all",
    )
    quality_sessions: int = Field(
        5, ge=1, le=250, description="how many sessions before are counted for min_quality"
    )
    extended_hours: bool = Field(
        False, description="whether bars of 04:00 to 20:00 are seen, or regular hours only"
    )

    @model_validator(mode="after")
    def _names(self) -> SessionDataConfig:
        twice = repeated_names([scanner.label for scanner in self.scanners if scanner.enabled])
        if twice:
            raise ValueError(
                f"two scanners are named {', '.join(twice)}; give one of them another `name`"
            )
        return self


class StrategyConfig(Model):
    """A strategy that trades the active symbols, or those that some scanners found."""

    module: Text = Field(
        description="module path such as engine.strategies.opening_range_breakout, or "
        "package.module:ClassName"
    )
    enabled: bool = Field(True, description="false leaves it out")
    config: dict[str, Any] = Field(
        {}, description="the strategy's own parameters (`barsweep strategies show`)"
    )
    name: Text | None = Field(
        None, description="name in logs and results; the module path where left out"
    )
    scanners: list[Text] | None = Field(
        None,
        description='trade only what these scanners found in the session, "config" for the '
        "config's symbols; null for all",
    )
    pre_session: bool = Field(False, description="decide also at the open, before the first bar")
    regular_session: list[ScheduleConfig] | None = Field(
        None, description="when it decides; null: at the end of every bar"
    )
    max_open_positions: int | None = Field(
        None, ge=1, description="its positions open at the same time at most; null: any number"
    )
    max_percent: float | None = Field(
        None, gt=0, description="its exposure at most, in percent of equity; null: the account's"
    )

    @property
    def label(self) -> str:
        """The name in logs and results."""
        return self.name or self.module


class AccountConfig(Model):
    """The account that strategies share."""

    starting_cash: float = Field(100_000.0, gt=0, description="cash at the start")
    currency_decimals: int = Field(
        2,
        ge=0,
        le=8,
        description="decimals of the currency; every movement of cash is rounded to them",
    )
    max_open_positions: int | None = Field(
        None, ge=1, description="positions open at the same time at most; null: any number"
    )
    max_position_percent: float | None = Field(
        None, gt=0, description="one symbol at most, in percent of equity; null: no limit"
    )
    leverage: float = Field(
        1.0,
        gt=0,
        description="exposure (long plus short, and orders on their way) over equity at most",
    )
    maintenance_margin: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="with equity below this part of exposure all is closed (margin call); null: "
        "half of what leverage asks for",
    )
    shorting: bool = Field(True, description="whether positions may be short")
    borrow_rate: float = Field(
        0.0,
        ge=0,
        description="cost of borrowing shares that are short, in percent a year of their value",
    )
    margin_rate: float = Field(
        0.0, ge=0, description="interest on borrowed cash, in percent a year"
    )
    lot_size: float = Field(
        1.0, ge=0, description="quantities are multiples of this; 0 for any fraction"
    )
    tick_size: float | None = Field(
        None, gt=0, description="limit and stop prices are multiples of this; null: any price"
    )
    max_participation: float | None = Field(
        None,
        gt=0,
        le=1,
        description="part of a bar's volume that may be traded; the rest of an order waits; "
        "null: all",
    )
    daily_loss_limit_percent: float | None = Field(
        None,
        gt=0,
        le=100,
        description="after such a loss since the session began all is closed, and nothing opened "
        "until the next",
    )
    flat_at_close: bool = Field(
        False, description="close all positions at each session's closing price"
    )
    delist_after_sessions: int = Field(
        10, ge=1, description="a position in a symbol without a bar for so many sessions is ended"
    )
    delisting_value_percent: float = Field(
        100.0, ge=0, le=100, description="what it is still worth, of its last price"
    )

    @model_validator(mode="after")
    def _margins(self) -> AccountConfig:
        if self.maintenance_margin is not None and self.maintenance_margin * self.leverage > 1:
            raise ValueError(
                f"maintenance_margin {self.maintenance_margin} is above {1 / self.leverage:g}, "
                "what leverage "
                f"{self.leverage:g} asks for at first"
            )
        return self


class CostsConfig(Model):
    """What trading costs."""

    commission_per_share: float = Field(0.0, ge=0, description="commission per share, in currency")
    commission_per_order: float = Field(
        0.0, ge=0, description="commission per order that is filled, in currency"
    )
    commission_percent: float = Field(
        0.0, ge=0, lt=100, description="commission in percent of the order's value"
    )
    minimum_commission: float = Field(
        0.0, ge=0, description="commission of an order at least, in currency"
    )
    slippage_bps: float = Field(
        0.0,
        ge=0,
        description="slippage against market and stop orders, in basis points of the price",
    )
    slippage_spread: float = Field(
        0.0,
        ge=0,
        le=1,
        description="slippage as a part of the spread, for which the range of the bar is taken",
    )


class SessionConfig(Model):
    """A session config: what is always there, what looks for more, what trades both."""

    session_name: Text = Field("session", description="name of the run directory, in words")
    mode: Literal["backtest"] = Field(description='"backtest", the only mode there is')
    archive: Text | None = Field(
        None, description="folder of the archive; --archive where left out"
    )
    exchange: Text | None = Field(
        None,
        description="market identifier code, to be the archive's; the archive's where left out",
    )
    backtest_config: BacktestConfig = Field(BacktestConfig(), description="the sessions to replay")
    session_data_config: SessionDataConfig = Field(description="symbols, data and scanners")
    strategies: list[StrategyConfig] = Field(
        [], description="strategies that trade, one after the other in this order"
    )
    account: AccountConfig = Field(AccountConfig(), description="the account")
    costs: CostsConfig = Field(CostsConfig(), description="costs of trading")
    sweep: SweepConfig | None = Field(
        None, description="what `barsweep sweep` varies; a run does not read it"
    )

    @model_validator(mode="after")
    def _strategies(self) -> SessionConfig:
        twice = repeated_names([strategy.label for strategy in self.strategies if strategy.enabled])
        if twice:
            raise ValueError(
                f"two strategies are named {', '.join(twice)}; give one of them another `name`"
            )
        known = {"config", *(scanner.label for scanner in self.session_data_config.scanners)}
        for strategy in self.strategies:
            for name in strategy.scanners or ():
                if name not in known:
                    raise ValueError(
                        f"strategy {strategy.label} trades what {name!r} found, which is no "
                        "scanner of this config; "
                        f"known are {', '.join(sorted(known))}"
                    )
        return self
