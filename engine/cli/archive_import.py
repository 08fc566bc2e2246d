"""`barsweep archive import`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import (
    print_facts,
    print_json,
    print_table,
    print_warnings,
    progress_bar,
    say,
)
from engine.cli.shared_options import (
    FILE,
    archive_option,
    columns_of,
    format_option,
    quiet_option,
    spell,
)
from engine.cli.text_options import text_options

if TYPE_CHECKING:
    from engine.api import ImportSummary


@click.command("import")
@click.argument("sources", nargs=-1, required=True, type=FILE)
@archive_option(required=True)
@click.option(
    "--layout",
    help="The vendor's layout (`barsweep archive layouts`), or columns; recognized where left out.",
)
@click.option(
    "--append",
    is_flag=True,
    help="Read new and changed files only; leave sessions that are the same.",
)
@click.option(
    "--label",
    type=click.Choice(["open", "close"]),
    help="Which end of a bar the source's timestamps label.",
)
@click.option(
    "--exchange",
    help="Market identifier code, or 24/7.  [default: the layout's or the archive's, else XNYS]",
)
@click.option(
    "--timezone", help="Zone of times that carry none, such as America/New_York; dates need none."
)
@click.option(
    "--epoch-unit",
    type=click.Choice(["s", "ms", "us", "ns"]),
    help="Unit of timestamps that are whole numbers.",
)
@click.option(
    "--time-format",
    help="Form of timestamps that are text, such as '%d.%m.%Y %H:%M'; found where they tell it.",
)
@click.option("--interval", help="Interval of the bars; found from their spacing where left out.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Name of a column in the source; may be repeated.",
)
@click.option(
    "--price-divisor",
    type=float,
    default=1.0,
    help="What prices are divided by: 10000 where they are whole numbers of 0.0001.",
)
@click.option(
    "--symbol-from-filename",
    is_flag=True,
    help="The symbol is the file's name without its ending: BRK.A of BRK.A.csv.",
)
@text_options
@click.option(
    "--merge-opening-auction",
    is_flag=True,
    help="A bar that ends at the open is the auction's, part of the first bar.",
)
@click.option(
    "--trust-label",
    is_flag=True,
    help="Import bars that seem to be labelled by their other end all the same.",
)
@click.option("--query", help="SQL that answers bars, asked of the DuckDB files SOURCES.")
@click.option("--source", default="", help="Where the bars come from, in words, for archive.json.")
@format_option
@quiet_option
def import_command(
    sources: tuple[Path, ...],
    archive_path: Path,
    columns: tuple[str, ...],
    output_format: str,
    quiet: bool,
    **options: Any,
) -> None:
    """Import bar files, or folders of them, into an archive: a vendor's layout, any Parquet or CSV,
    a query of DuckDB.

    All SOURCES of one command are one import: a session it holds replaces the archive's. An import
    that was interrupted goes on when it is run again. Rows that cannot be bars are put aside with
    the reason, never dropped.
    """
    from engine import api

    with progress_bar(quiet) as progress:
        summary = api.import_archive(
            *sources,
            archive=archive_path,
            columns=columns_of(columns),
            on_progress=progress,
            spell=spell,
            **options,
        )
    print_json(dataclasses.asdict(summary)) if output_format == "json" else _print_import(summary)
    print_warnings(summary.doubts)
    if not quiet:
        _tell_of_lean_files(api.lean_markets(summary, sources), archive_path)


def _tell_of_lean_files(markets: Sequence[Path], archive_path: Path) -> None:
    """Where LEAN's factor and map files lie beside the bars, the commands that bring them in."""
    for market in markets:
        say(
            f"{market} has splits, dividends and changes of tickers too:",
            f"  barsweep archive actions --archive {archive_path} --lean-factors "
            f"{market / 'factor_files'}",
            f"  barsweep archive tickers --archive {archive_path} --lean-maps "
            f"{market / 'map_files'}",
            err=True,
        )


def _print_import(summary: ImportSummary) -> None:
    known = f", {summary.files_known:,} known and unchanged" if summary.files_known else ""
    print_facts(
        {
            "layout": f"{summary.layout}, timestamps label the bar's {summary.label}",
            "interval": summary.interval,
            "files": f"{summary.files:,}{known}",
            "sessions": f"{summary.sessions:,}: {summary.sessions_added:,} added, "
            f"{summary.sessions_replaced:,} replaced, "
            f"{summary.sessions_unchanged:,} left as they were",
            "symbols in the archive": summary.symbols,
            "rows read": summary.rows_read,
            "rows written": summary.rows_written,
            "rows of sessions left": summary.rows_unchanged,
            "exact copies dropped": summary.copies_dropped,
            "auction rows merged": summary.auctions_merged,
            "quarantined": sum(summary.quarantined.values()),
        }
        | ({"went on": "with an import that was interrupted"} if summary.resumed else {})
    )
    if summary.quarantined:
        say("", f"put aside in {summary.quarantine_file}:")
        print_table("", ("reason", "rows"), sorted(summary.quarantined.items()))
