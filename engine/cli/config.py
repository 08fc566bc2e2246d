"""`barsweep config`."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.options import FILE, CommandGroup
from engine.cli.output import print_json, say


@click.group("config", cls=CommandGroup)
def config_group() -> None:
    """Check session configs; print their JSON Schema."""


@config_group.command("check")
@click.argument("config", type=FILE)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change any key of the config; may be repeated.")
def check_command(config: Path, overrides: tuple[str, ...]) -> None:
    """Check CONFIG without reading any bars: keys and values, modules and their parameters, indicators, exchange."""
    from engine.clock.calendar import ExchangeCalendar
    from engine.clock.schedule import AtClose
    from engine.config.load import load_config
    from engine.errors import ScannerError
    from engine.indicators.key import IndicatorKey
    from engine.plug_ins import made
    from engine.scan.base import ColumnarScanner
    from engine.scan.module_loader import load_scanner_class
    from engine.trading.slot import StrategySlot

    loaded = load_config(config, overrides)
    data = loaded.config.session_data_config
    if loaded.config.exchange:
        ExchangeCalendar.of(loaded.config.exchange)
    for one in data.indicators:
        IndicatorKey.make(one.name, one.params, one.interval)
    for part in data.scanners:
        scanner = made(load_scanner_class(part.module), part.label, ScannerError, dict(part.config))
        if isinstance(scanner, ColumnarScanner):
            scanner.plan()
    for number, strategy in enumerate(loaded.config.strategies):
        StrategySlot.load(strategy, number, AtClose())
    scanners, strategies = (sum(part.enabled for part in parts) for parts in (data.scanners, loaded.config.strategies))
    say(f"ok: {loaded.config.session_name} ({loaded.digest}); symbols: {len(data.symbols)}, scanners: {scanners}, "
               f"strategies: {strategies}")  # fmt: skip


@config_group.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of a session config, for editors that check and complete."""
    from engine.config.load import config_schema

    print_json(config_schema())
