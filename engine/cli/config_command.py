"""`barsweep config`: Check session configs; print their JSON Schema."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import print_json, say
from engine.cli.shared_options import FILE, CommandGroup


@click.group("config", cls=CommandGroup)
def config_group() -> None:
    """Check session configs; print their JSON Schema."""


@config_group.command("check")
@click.argument("config", type=FILE)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change any key of the config; may be repeated.",
)
def check_command(config: Path, overrides: tuple[str, ...]) -> None:
    """Check CONFIG without reading any bars: keys and values, modules and their parameters,
    indicators, exchange.
    """
    from engine import api

    found = api.check_config(config, overrides=overrides)
    say(
        f"ok: {found.name} ({found.digest}); symbols: {found.symbols}, scanners: {found.scanners}, "
        f"strategies: {found.strategies}"
    )


@config_group.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of a session config, for editors that check and complete."""
    from engine import api

    print_json(api.config_schema())
