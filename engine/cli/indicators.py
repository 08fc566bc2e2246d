"""`barsweep indicators`."""

from __future__ import annotations

import inspect
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import DAY, FILE, CommandGroup, archive_option, format_option
from engine.cli.output import print_facts, print_json, print_table, say, say_lines, sparkline
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.indicators.indicator import Indicator
    from engine.indicators.key import IndicatorKey


@click.group("indicators", cls=CommandGroup)
def indicators_group() -> None:
    """List indicators and show what they mean."""


@indicators_group.command("list")
@format_option
def list_command(output_format: str) -> None:
    """List the catalogue: group, name, parameters with their defaults, outputs, rows until the first value."""
    from engine.indicators.catalogue import CATALOGUE

    rows = [_row(indicator) for indicator in CATALOGUE.values()]
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
@click.option("--sessions", type=click.IntRange(1), help="How many sessions to draw: 1, or 120 for a key at 1d, where left out.")
@click.option("--benchmark", help="Symbol that beta, correlation and relative_strength are measured against.")
@click.option("--plot", "plot", type=FILE, help="Draw candles and the indicator into this HTML file.")
def show_command(
    name: str, archive_path: Path | None, symbol: str | None, date: datetime | None, sessions: int | None, benchmark: str | None,
    plot: Path | None,
) -> None:  # fmt: skip
    """Show one indicator by NAME or key (rsi, rsi_14_5m): formula, source, and its answers for odd input.

    With --archive and --symbol also its values, as scans see them: a line in the terminal, or a chart with --plot.
    """
    from engine.indicators.key import IndicatorKey

    key = IndicatorKey.parse(name)
    indicator = key.indicator
    say_lines(inspect.cleandoc(indicator.doc) + "\n")
    print_facts({
        "key": key.name,
        "columns": ", ".join(key.columns),
        "group": indicator.group,
        "inputs": ", ".join(indicator.inputs),
        "parameters": _parameters(indicator) or "none",
        "warm-up": f"{indicator.warmup(*key.params)} rows",
        "settles": f"after {indicator.settle(*key.params)} rows",
    })  # fmt: skip
    if archive_path and symbol:
        _draw(key, archive_path, symbol.upper(), date, sessions, benchmark and benchmark.upper(), plot)
    elif plot or symbol or archive_path:
        raise ConfigError("nothing to draw", expected="both --archive and --symbol", fix="name the archive and the symbol")


def _draw(
    key: IndicatorKey, archive_path: Path, symbol: str, date: datetime | None, sessions: int | None, benchmark: str | None,
    plot: Path | None,
) -> None:  # fmt: skip
    from engine.archive.archive import Archive
    from engine.archive.atomic import atomic_path
    from engine.results.charts import candle_page, chart_bars
    from engine.scan.series import indicator_series

    archive = Archive.open(archive_path)
    last = date.date() if date else None
    dates = [day for day in archive.sessions() if last is None or day <= last][
        -(sessions or (120 if key.interval.is_daily else 1)) :
    ]
    if not dates:
        raise ConfigError(f"no session up to {last}", where=archive.path, expected=f"{archive.sessions()[0]} or later")
    bars = indicator_series(archive, symbol, [key], dates, benchmark)
    span = f"{dates[0]}" if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    say("", f"{symbol}, {span}, {len(bars)} ticks")
    for column in ("close", *key.columns):
        say(sparkline(column, bars[column].to_list()))
    if plot:
        local = chart_bars(bars, archive.calendar)
        with atomic_path(plot) as temporary:
            temporary.write_text(candle_page(f"{symbol} {span}: {key.name}", local, key.columns), encoding="utf-8")
        say(f"wrote {plot}", err=True)


def _row(indicator: Indicator) -> tuple[str, str, str, str, int]:
    outputs = ", ".join(indicator.outputs)
    return indicator.group, indicator.name, _parameters(indicator), outputs, indicator.warmup(*indicator.defaults)


def _parameters(indicator: Indicator) -> str:
    return ", ".join(f"{param.name}={param.default}" for param in indicator.params)
