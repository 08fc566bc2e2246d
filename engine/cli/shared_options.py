"""Options that several commands share."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from engine.errors import ConfigError

Command = Callable[..., Any]
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path)
DAY: dict[str, Any] = {"type": click.DateTime(["%Y-%m-%d"]), "metavar": "DATE"}


def iso_date(text: str) -> str:
    """A date such as 2018-03-01, kept as text."""
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.BadParameter(f"{text!r}; expected a date such as 2018-03-01") from None


class CommandGroup(click.Group):
    """A group that lists the first sentence of each command's help whole."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with the first sentence of their help, unabridged."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, command.get_short_help_str(limit=1000))
                    for name, command in commands
                    if command
                ]
            )


def archive_option(required: bool) -> Callable[[Command], Command]:
    """--archive."""
    return click.option(
        "--archive", "archive_path", type=FOLDER, required=required, help="Folder of the archive."
    )


# What a scanner without a config is told: where, when, and with which parameters it looks.
SCAN_OPTIONS = (
    click.option(
        "--where",
        help='Scan for a condition instead of a module: "close > sma_20_1d and rvol_20 > 2".',
    ),
    click.option(
        "--feature",
        "features",
        multiple=True,
        metavar="NAME=EXPRESSION",
        help="With --where: a value to log with each hit; may be repeated.",
    ),
    click.option(
        "--schedule",
        "schedules",
        multiple=True,
        metavar="START-END/INTERVAL",
        help="When to scan, exchange time, such as 09:35-15:55/5m, or `close`; may be repeated.",
    ),
    click.option(
        "--pre-session",
        is_flag=True,
        help="Scan before each open, and in the session only with --schedule.",
    ),
    click.option(
        "--start",
        type=iso_date,
        metavar="DATE",
        help="First date; the archive's first where left out.",
    ),
    click.option(
        "--end",
        type=iso_date,
        metavar="DATE",
        help="Last date; the archive's last where left out.",
    ),
    click.option(
        "--universe", help='Symbols to scan: a file, a membership .parquet or .csv, or "all".'
    ),
    click.option(
        "--interval",
        help="Interval of the bars to scan, such as 1d; the archive's shortest where left out.",
    ),
    click.option("--extended-hours", is_flag=True, help="See bars before and after regular hours."),
    click.option(
        "--min-quality",
        type=click.FloatRange(0, 100, min_open=True),
        metavar="PERCENT",
        help="Scan only symbols that had this percent of their bars in the five sessions before.",
    ),
    click.option(
        "--benchmark",
        help="Symbol that beta, correlation and relative_strength are measured against.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="A scanner's parameter; may be repeated.",
    ),
)


def scan_options(command: Command) -> Command:
    """Add SCAN_OPTIONS to a command."""
    for option in reversed(SCAN_OPTIONS):
        command = option(command)
    return command


format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print the result.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that may share the run, some months each; they do where they would save time. "
    "The tables are the same bytes.",
)
quiet_option = click.option("--quiet", is_flag=True, help="No progress and no notes, results only.")
log_level_option = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="What of the log goes to stderr.",
)

SPELLED = {"features": "--feature", "settings": "--set"}


def spell(option: str) -> str:
    """An option of the library as commands have it."""
    return SPELLED.get(option, f"--{option.replace('_', '-')}")


def scan_keywords(given: dict[str, Any]) -> dict[str, Any]:
    """The library's options of what `scan_options` and a command's own have taken."""
    features = dict(_pair(text, "--feature") for text in given.pop("features"))
    settings = {
        key: _value(value)
        for key, value in (_pair(text, "--set") for text in given.pop("settings"))
    }
    schedule = given.pop("schedules")
    return {**given, "schedule": schedule, "features": features, "settings": settings}


def columns_of(given: Sequence[str]) -> dict[str, str]:
    """Our names and the source's, of OURS=THEIRS."""
    mapping = dict(column.split("=", 1) for column in given if "=" in column)
    if len(mapping) != len(given):
        raise ConfigError(
            f"--column {' --column '.join(given)}", expected="OURS=THEIRS, each of ours once"
        )
    return mapping


def _pair(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"{option} {text}", expected="NAME=VALUE such as min_price=10")
    return key.strip(), value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
