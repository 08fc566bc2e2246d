"""`barsweep explain`: Say why a symbol was found at a tick, or why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.output import print_facts, print_frame, print_json, say
from engine.cli.shared_options import (
    archive_option,
    format_option,
    scan_keywords,
    scan_options,
    spell,
)
from engine.errors import ConfigError


@click.command("explain")
@click.argument("source", required=False, metavar="[RUN_OR_SCANNER]")
@click.option("--symbol", help="The symbol to explain.")
@click.option("--at", "at", required=True, help='The tick, exchange time: "2018-03-01 09:45".')
@click.option("--scanner", help="Which scanner of the run; its only one where left out.")
@click.option(
    "--near-misses",
    "near",
    is_flag=True,
    help="List the symbols that failed exactly one clause at the tick.",
)
@archive_option(required=False)
@scan_options
@format_option
def explain_command(
    source: str | None,
    symbol: str | None,
    at: str,
    scanner: str | None,
    near: bool,
    archive_path: Path | None,
    output_format: str,
    **options: Any,
) -> None:
    """Say why a symbol was found at a tick, or why it was not.

    RUN_OR_SCANNER is a run directory, a session config, or a scanner's module; a module and --where
    take the options of `barsweep scan`. Every clause is shown with both of its sides, then the
    rank, the cut, and the nearest tick at which it would pass.
    """
    from engine import api

    told = {"archive": archive_path, "scanner": scanner, "spell": spell, **scan_keywords(options)}
    if near:
        found = api.near_misses(source, at, **told)
        if output_format == "json":
            print_json(found.as_dicts())
        else:
            heads = ("symbol", "clause", "comparison", "left", "", "right")
            print_frame(f"{found.scanner}: one clause failed", found.table, heads)
        return
    if not symbol:
        raise ConfigError("no symbol", expected="--symbol TSLA, or --near-misses")
    answer = api.explain(source, symbol, at, **told)
    if output_format == "json":
        print_json(answer.as_dict())
        return
    print_facts(answer.facts)
    say()
    print_frame("clauses", answer.clauses, ("clause", "holds", "comparison", "left", "", "right"))
    say()
    print_frame("columns", answer.columns)
