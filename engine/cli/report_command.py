"""`barsweep report`: Write the report of a run, or of several side by side, as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import say
from engine.cli.shared_options import FILE, FOLDER, archive_option


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option(
    "--out",
    type=FILE,
    help="Where the page goes; report.html in the run directory, for several runs in this folder.",
)
@archive_option(required=False)
def report_command(runs: tuple[Path, ...], out: Path | None, archive_path: Path | None) -> None:
    """Write the report of a run directory, or of several RUNS side by side, as one HTML page.

    The page holds everything it needs and opens from disk. The archive is the run's own, for the
    bars of its best and worst trades and for the benchmark; --archive says where it is now, if it
    was moved.
    """
    from engine import api

    say(api.report(*runs, out=out, archive=archive_path))
