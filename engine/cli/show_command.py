"""`barsweep show`: Show what a run found of a symbol; draw a session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.output import print_frame, say
from engine.cli.shared_options import DAY, FILE, FOLDER, archive_option, spell


@click.command("show")
@click.argument("run", type=FOLDER)
@click.option("--symbol", required=True, help="The symbol to show.")
@click.option(
    "--session",
    "session",
    **DAY,
    help="Draw this session; all hits are listed where left out.",
)
@click.option(
    "--out",
    type=FILE,
    help="Where the page goes; SYMBOL-SESSION.html in the run directory where left out.",
)
@archive_option(required=False)
def show_command(
    run: Path, symbol: str, session: Any, out: Path | None, archive_path: Path | None
) -> None:
    """Show what a run found of a symbol: all its hits, or one session's candles, indicators and
    hits as an HTML page.

    The page holds everything it needs and opens from disk.
    """
    from engine import api

    shown = api.show(run, symbol, session, out=out, archive=archive_path, spell=spell)
    if shown.page:
        say(shown.page)
    elif shown.hits.is_empty():
        say(f"no hits of {shown.symbol} in {run}")
    else:
        print_frame(f"{len(shown.hits)} hits", shown.table)
