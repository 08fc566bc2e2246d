"""`barsweep evaluate`: Say what hits did next, against the symbols that did not hit."""

from __future__ import annotations

from pathlib import Path

import click

from engine.cli.output import print_json, print_table, progress_bar, say
from engine.cli.shared_options import FILE, archive_option, format_option, quiet_option, spell


@click.command("evaluate")
@click.argument("source", type=FILE, metavar="HITS_OR_RUN")
@archive_option(required=False)
@click.option(
    "--universe",
    help=(
        'Symbols that hits are compared with: a file, a membership .parquet or .csv, or "all" '
        "(default)."
    ),
)
@click.option(
    "--tried",
    type=click.IntRange(1),
    help="How many variants were tried; counted in the run's folder where left out.",
)
@click.option(
    "--last-price",
    is_flag=True,
    help="Sell what has no price at a horizon at its last one; else it has no return there.",
)
@click.option("--html", "page", type=FILE, help="Write a page with plots to this HTML file.")
@click.option("--out", type=FILE, help="Write each hit with its returns to this .parquet file.")
@format_option
@quiet_option
def evaluate_command(
    source: Path,
    archive_path: Path | None,
    universe: str | None,
    tried: int | None,
    last_price: bool,
    page: Path | None,
    out: Path | None,
    output_format: str,
    quiet: bool,
) -> None:
    """Say what hits did next: HITS_OR_RUN is a hits.parquet or a run directory.

    Returns from the next bar's open, after 5, 15, 30 and 60 minutes, to the close, the next open
    and close and five sessions on; the best and worst on the way to the close; all of them also
    over the mean of the symbols that did not hit at the same tick.
    """
    from engine import api

    with progress_bar(quiet) as progress:
        found = api.evaluate(
            source,
            archive=archive_path,
            universe=universe,
            tried=tried,
            last_price=last_price,
            out=out,
            keep_rows=False,
            on_progress=progress,
            spell=spell,
        )
    if page:
        found.page(page)
    if output_format == "json":
        print_json(found.as_dicts())
        return
    if not found.evaluations:
        say("no hits")
    for told, by_horizon, exits, title, groups in found.in_words():
        say(told)
        print_table("", *by_horizon)
        for line in exits:
            say(line)
        say()
        print_table(title, ("by", "group", "hits", "win rate", "mean", "t"), groups)
        say()
