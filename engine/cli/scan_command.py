"""`barsweep scan`: Scan an archive with scanners or an expression; list the hits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import (
    print_facts,
    print_frame,
    print_scanners,
    print_warnings,
    progress_bar,
    say,
    tell_of_compiling,
    tell_reading_cost,
)
from engine.cli.shared_options import (
    FILE,
    archive_option,
    log_level_option,
    quiet_option,
    scan_keywords,
    scan_options,
    spell,
    workers_option,
)
from engine.log import set_up_logging
from engine.runtime.stdout import plug_ins_print_to_stderr
from engine.text import as_sheet

if TYPE_CHECKING:
    from engine.api import Scan


@click.command("scan")
@click.argument("scanners", nargs=-1)
@archive_option(required=True)
@scan_options
@click.option(
    "--first-hit", is_flag=True, help="Keep the first hit of each symbol and session only."
)
@click.option(
    "--on-corrupt",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="What becomes of the scan when a session's file cannot be read.",
)
@click.option("--out", type=FILE, help="Write the hits to this .parquet, .csv or .json file.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="What to print: the funnel and the latest hits, or all hits as CSV or JSON.",
)
@workers_option
@quiet_option
@log_level_option
def scan_command(
    scanners: tuple[str, ...],
    archive_path: Path,
    first_hit: bool,
    out: Path | None,
    workers: int,
    output_format: str,
    quiet: bool,
    log_level: str,
    **options: Any,
) -> int:
    """Scan an archive with one or several SCANNERS, or with --where "EXPRESSION", and list the
    hits.

    All scanners share one pass over the bars. The hits are those that `barsweep run` would log.
    Without --schedule a scanner looks every five minutes, or at the close where bars are daily.
    Exit status 1 says that a scanner failed on the way, or that a session was skipped.
    """
    set_up_logging("error" if quiet else log_level)
    from engine.api import open_archive

    market = open_archive(archive_path, keep=0, spell=spell)
    with progress_bar(quiet) as progress, tell_of_compiling(quiet), plug_ins_print_to_stderr():
        scan = market.scan(
            *scanners,
            out=out,
            first_hit=first_hit,
            keep_hits=output_format != "table",
            workers=workers,
            on_progress=progress,
            **scan_keywords(options),
        )
    if output_format == "table":
        _print(scan, out)
    else:
        text = (
            as_sheet(scan.hits.lazy()).collect().write_csv()
            if output_format == "csv"
            else scan.hits.write_json()
        )
        click.echo(text, nl=out is not None and out.suffix != f".{output_format}")
    print_warnings(scan.warnings)
    if not quiet:
        tell_reading_cost(scan.reading_cost(), scan.summary.sessions, scan.seconds)
    return 1 if scan.failures else 0


def _print(scan: Scan, out: Path | None) -> None:
    summary = scan.summary
    firsts = (
        f", of which {scan.kept:,} are a symbol's first of a session"
        if scan.found != scan.kept
        else ""
    )
    facts = {
        "sessions": f"{summary.sessions} ({summary.first} to {summary.last})",
        "bars": summary.bars,
        "hits": f"{scan.found:,}{firsts}",
        "time": f"{scan.seconds:.2f} s",
    }
    print_facts(facts | ({"written to": out} if out else {}))
    say()
    print_scanners(scan.scanners, scan.funnel, scan.left_out)
    if scan.kept:
        say()
        print_frame(f"latest hits, {scan.tz}", scan.latest)
