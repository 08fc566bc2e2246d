"""`barsweep strategies`: List strategies, show their parameters, write a new one."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import print_summaries, print_table, say, say_lines
from engine.cli.shared_options import FOLDER, CommandGroup, format_option


@click.group("strategies", cls=CommandGroup)
def strategies_group() -> None:
    """List strategies, show their parameters, write a new one."""


@strategies_group.command("list")
@format_option
def list_command(output_format: str) -> None:
    """List the strategies that come with barsweep."""
    from engine import api

    print_summaries(api.strategies(), "trades", output_format)


@strategies_group.command("show")
@click.argument("module")
def show_command(module: str) -> None:
    """Show the strategy of MODULE: what it trades, its parameters, its rules and indicators."""
    from engine import api

    found = api.describe_strategy(module)
    say_lines(found.doc + "\n")
    print_table("parameters", ("parameter", "default", "meaning"), found.parameters or ())
    if found.missing:
        return
    if found.rules is None:
        say("", f"indicators: {', '.join(found.indicators) or 'none'}; decides bar by bar")
        return
    say()
    print_table("rules", ("what", "expression"), found.rules)
    say("", f"indicators: {', '.join(found.indicators) or 'none'}")


@strategies_group.command("new")
@click.argument("name")
@click.option(
    "--folder", type=FOLDER, default=Path("."), show_default=True, help="Where the files go."
)
def new_command(name: str, folder: Path) -> None:
    """Write a strategy NAME, a session config and a test to start from.

    Run it with `barsweep run NAME.json --archive FOLDER` from the folder they are in.
    """
    from engine import api

    for path in api.new_strategy(name, folder):
        say(path)
