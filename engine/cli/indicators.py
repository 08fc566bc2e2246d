"""`barsweep indicators`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from engine.cli.options import format_option
from engine.cli.output import print_facts, print_json, print_table

if TYPE_CHECKING:
    from engine.indicators.indicator import Indicator


@click.group("indicators")
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
def show_command(name: str) -> None:
    """Show one indicator by NAME: formula, source, and its answers for odd input."""
    from engine.indicators.key import IndicatorKey

    key = IndicatorKey.make(name)
    indicator = key.indicator
    click.echo(inspect.cleandoc(indicator.doc) + "\n")
    print_facts({
        "key": key.name,
        "columns": ", ".join(key.columns),
        "group": indicator.group,
        "inputs": ", ".join(indicator.inputs),
        "parameters": _parameters(indicator) or "none",
        "warm-up": f"{indicator.warmup(*key.params)} rows",
        "settles": f"after {indicator.settle(*key.params)} rows",
    })  # fmt: skip


def _row(indicator: Indicator) -> tuple[str, str, str, str, int]:
    outputs = ", ".join(indicator.outputs)
    return indicator.group, indicator.name, _parameters(indicator), outputs, indicator.warmup(*indicator.defaults)


def _parameters(indicator: Indicator) -> str:
    return ", ".join(f"{param.name}={param.default}" for param in indicator.params)
