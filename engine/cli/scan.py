"""`barsweep scan`."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.adhoc import adhoc_config
from engine.cli.options import FILE, archive_option, log_level_option, quiet_option, scan_options, workers_option
from engine.cli.output import (
    plug_ins_print_to_stderr,
    print_facts,
    print_table,
    progress_bar,
    say,
    tell_of_compiling,
    tell_reading_cost,
)  # fmt: skip
from engine.cli.run import print_scanners, print_warnings
from engine.log import set_up_logging
from engine.text import as_sheet

if TYPE_CHECKING:
    from engine.results.batch_scan import BatchScan


@click.command("scan")
@click.argument("scanners", nargs=-1)
@archive_option(required=True)
@scan_options
@click.option("--first-hit", is_flag=True, help="Keep the first hit of each symbol and session only.")
@click.option("--on-corrupt", type=click.Choice(["stop", "skip"]), default="stop", show_default=True,
              help="What becomes of the scan when a session's file cannot be read.")  # fmt: skip
@click.option("--out", type=FILE, help="Write the hits to this .parquet, .csv or .json file.")
@click.option(
    "--format", "output_format", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True,
    help="What to print: the funnel and the latest hits, or all hits as CSV or JSON.",
)  # fmt: skip
@workers_option
@quiet_option
@log_level_option
def scan_command(
    scanners: tuple[str, ...], archive_path: Path, first_hit: bool, out: Path | None, workers: int, output_format: str, quiet: bool,
    log_level: str, **options: Any,
) -> int:  # fmt: skip
    """Scan an archive with one or several SCANNERS, or with --where "EXPRESSION", and list the hits.

    All scanners share one pass over the bars. The hits are those that `barsweep run` would log. Without --schedule a scanner
    looks every five minutes, or at the close where bars are daily. Exit status 1 says that a scanner failed on the way,
    or that a session was skipped.
    """
    set_up_logging("error" if quiet else log_level)
    from engine.archive.archive import Archive
    from engine.results.batch_scan import scan_archive

    archive = Archive.open(archive_path)
    loaded = adhoc_config(archive, scanners, **options)
    with _target(out, output_format) as target:
        with progress_bar(quiet) as progress, tell_of_compiling(quiet), plug_ins_print_to_stderr():
            scan = scan_archive(
                loaded, archive, target, first_hit, lambda done, total, date: progress(f"sessions: {date}", done, total), workers
            )
        if output_format == "table":
            _print(scan, out, str(archive.calendar.tz))
        else:
            _print_hits(target, output_format)
    print_warnings(scan.summary, scan.warnings)
    if not quiet:
        tell_reading_cost(archive, dt.date.fromisoformat(scan.summary.last), scan.summary.sessions, scan.seconds)
    return 1 if scan.failures else 0


@contextmanager
def _target(out: Path | None, output_format: str) -> Iterator[Path | None]:
    """Where the hits are written: for printing all of them, into a file that goes."""
    if out is not None or output_format == "table":
        yield out
        return
    from engine.results.tables import writing

    with writing(Path("a folder for temporary files")):
        folder = tempfile.TemporaryDirectory(prefix="barsweep-")
    with folder as name:
        yield Path(name) / f"hits.{output_format}"


def _print(scan: BatchScan, out: Path | None, tz: str) -> None:
    import polars as pl

    summary = scan.summary
    found = sum(one.hits for one in summary.scanners.values())
    hits = f"{found:,}" if found == scan.kept else f"{found:,}, of which {scan.kept:,} are a symbol's first of a session"
    facts = {"sessions": f"{summary.sessions} ({summary.first} to {summary.last})", "bars": summary.bars, "hits": hits,
             "time": f"{scan.seconds:.2f} s"}  # fmt: skip
    print_facts(facts | ({"written to": out} if out else {}))
    say()
    print_scanners(summary)
    if len(scan.top):
        local = pl.col("tick").dt.convert_time_zone(tz).dt.to_string("%Y-%m-%d %H:%M")
        top = scan.top.drop("promoted", "session").with_columns(local)
        shown = [name for name in top.columns if top[name].null_count() < len(top)]
        say()
        print_table(f"latest hits, {tz}", shown, top.select(shown).rows())


def _print_hits(written: Path | None, output_format: str) -> None:
    import polars as pl

    assert written is not None
    if written.suffix == f".{output_format}":
        with written.open(encoding="utf-8") as lines:
            for line in lines:
                sys.stdout.write(line)
        return
    frame = pl.read_parquet(written) if written.suffix == ".parquet" else pl.read_csv(written)
    click.echo(as_sheet(frame.lazy()).collect().write_csv() if output_format == "csv" else frame.write_json())
