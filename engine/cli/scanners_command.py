"""`barsweep scanners`: List scanners, show their parameters, write a new one."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import print_summaries, print_table, say, say_lines
from engine.cli.shared_options import FOLDER, CommandGroup, format_option


@click.group("scanners", cls=CommandGroup)
def scanners_group() -> None:
    """List scanners, show their parameters, write a new one."""


@scanners_group.command("list")
@format_option
def list_command(output_format: str) -> None:
    """List the scanners that come with barsweep."""
    from engine import api

    print_summaries(api.scanners(), "finds", output_format)


@scanners_group.command("show")
@click.argument("module")
def show_command(module: str) -> None:
    """Show the scanner of MODULE: what it finds, its parameters, clauses and indicators."""
    from engine import api

    found = api.describe_scanner(module)
    say_lines(found.doc + "\n")
    if found.parameters is None:
        return
    print_table("parameters", ("parameter", "default", "meaning"), found.parameters)
    if found.rules is None:
        say("", f"clauses: as the config's {', '.join(found.missing)} say")
        return
    say()
    print_table("clauses", ("clause", "expression"), found.rules)
    say("", f"indicators: {', '.join(found.indicators) or 'none'}")


@scanners_group.command("new")
@click.argument("name")
@click.option(
    "--folder", type=FOLDER, default=Path("."), show_default=True, help="Where the files go."
)
def new_command(name: str, folder: Path) -> None:
    """Write a scanner NAME, a session config and a test to start from.

    Run it with `barsweep run NAME.json --archive FOLDER` from the folder they are in.
    """
    from engine import api

    for path in api.new_scanner(name, folder):
        say(path)
