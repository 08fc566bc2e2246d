"""Session configs are checked without reading any bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.api.scan_sources import ConfigLike, Overrides, config_of
from engine.clock.calendar import ExchangeCalendar
from engine.clock.schedule import AtClose
from engine.config.load import LoadedConfig
from engine.config.load import config_schema as schema_of_configs
from engine.config.models import SessionConfig
from engine.errors import ScannerError
from engine.indicators.key import IndicatorKey
from engine.plug_ins import instantiate
from engine.scan.base import ColumnarScanner
from engine.scan.load_scanner import load_scanner_class
from engine.trading.strategy_runtime import StrategyRuntime


@dataclass(frozen=True)
class CheckedConfig:
    """A config that is right: its name and digest, and how much of what it has."""

    config: SessionConfig
    digest: str
    symbols: int
    scanners: int
    strategies: int

    @property
    def name(self) -> str:
        """The session's name."""
        return self.config.session_name


def check_config(config: ConfigLike, *, overrides: Overrides = ()) -> CheckedConfig:
    """Check keys and values, modules and their parameters, indicators, exchange.

    Raises BarsweepError for what is wrong.

    config     a JSON file, or what is in one
    overrides  key.path -> value that it is changed to
    """
    loaded = config_of(config, overrides)
    data = loaded.config.session_data_config
    if loaded.config.exchange:
        ExchangeCalendar.of(loaded.config.exchange)
    for one in data.indicators:
        IndicatorKey.make(one.name, one.params, one.interval)
    _check_plug_ins(loaded)
    scanners, strategies = (
        sum(part.enabled for part in parts) for parts in (data.scanners, loaded.config.strategies)
    )
    return CheckedConfig(loaded.config, loaded.digest, len(data.symbols), scanners, strategies)


def config_schema() -> dict[str, Any]:
    """The JSON Schema of a session config, for editors that check and complete."""
    return schema_of_configs()


def _check_plug_ins(loaded: LoadedConfig) -> None:
    for part in loaded.config.session_data_config.scanners:
        make = loaded.made.get(part.module) or load_scanner_class(part.module)
        scanner = instantiate(make, part.label, ScannerError, dict(part.config))
        if isinstance(scanner, ColumnarScanner):
            scanner.plan()
    for number, strategy in enumerate(loaded.config.strategies):
        StrategyRuntime.load(strategy, number, AtClose())
