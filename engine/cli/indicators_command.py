"""`barsweep indicators`: List indicators and show what they mean."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from engine.cli.output import print_facts, print_json, print_table, say, say_lines, sparkline
from engine.cli.shared_options import DAY, FILE, CommandGroup, archive_option, format_option
from engine.errors import ConfigError


@click.group("indicators", cls=CommandGroup)
def indicators_group() -> None:
    """List indicators and show what they mean."""


@indicators_group.command("list")
@format_option
def list_command(output_format: str) -> None:
    """List the catalogue: group, name, parameters with their defaults, outputs, rows until the
    first value.
    """
    from engine import api

    rows = [
        (one.group, one.name, one.parameters, ", ".join(one.outputs), one.warmup)
        for one in api.indicators()
    ]
    columns = ("group", "name", "parameters", "outputs", "warm-up")
    if output_format == "json":
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table("", columns, rows)


@indicators_group.command("show")
@click.argument("name")
@archive_option(required=False)
@click.option("--symbol", help="Symbol to draw the indicator over.")
@click.option(
    "--date",
    "date",
    **DAY,
    help="Last session to draw; the archive's last where left out.",
)
@click.option(
    "--sessions",
    type=click.IntRange(1),
    help="How many sessions to draw: 1, or 120 for a key at 1d, where left out.",
)
@click.option(
    "--benchmark", help="Symbol that beta, correlation and relative_strength are measured against."
)
@click.option(
    "--plot", "plot", type=FILE, help="Draw candles and the indicator into this HTML file."
)
def show_command(
    name: str,
    archive_path: Path | None,
    symbol: str | None,
    date: datetime | None,
    sessions: int | None,
    benchmark: str | None,
    plot: Path | None,
) -> None:
    """Show one indicator by NAME or key (rsi, rsi_14_5m): formula, source, and its answers for odd
    input.

    With --archive and --symbol also its values, as scans see them: a line in the terminal, or a
    chart with --plot.
    """
    from engine import api

    found = api.describe_indicator(name)
    say_lines(found.doc + "\n")
    print_facts(
        {
            "key": found.key,
            "columns": ", ".join(found.columns),
            "group": found.group,
            "inputs": ", ".join(found.inputs),
            "parameters": found.parameters or "none",
            "warm-up": f"{found.warmup} rows",
            "settles": f"after {found.settles} rows",
        }
    )
    if archive_path and symbol:
        market = api.open_archive(archive_path, keep=0)
        chart = market.show(
            symbol, found.key, date=date, sessions=sessions, benchmark=benchmark, out=plot
        )
        say("", f"{chart.symbol}, {chart.span}, {len(chart.bars)} ticks")
        for column in ("close", *chart.columns):
            say(sparkline(column, chart.bars[column].to_list()))
        if plot:
            say(f"wrote {plot}", err=True)
    elif plot or symbol or archive_path:
        raise ConfigError(
            "nothing to draw",
            expected="both --archive and --symbol",
            fix="name the archive and the symbol",
        )
