"""`barsweep archive quality`."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.output import print_facts, print_frame, print_json, progress_bar, say
from engine.cli.shared_options import DAY, FILE, archive_option, format_option, quiet_option, spell
from engine.text import shortened

if TYPE_CHECKING:
    from engine.api import Quality

MAP_COLUMNS = 60  # of a heat map on a terminal
LONGEST_NAME = 24  # of a symbol before its row
BLOCKS = "·▁▂▃▄▅▆▇█"


@click.command("quality")
@archive_option(required=True)
@click.option("--start", **DAY, help="First date; the archive's first where left out.")
@click.option("--end", **DAY, help="Last date; the archive's last where left out.")
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol; may be repeated.")
@click.option(
    "--worst",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    help="How many of the least complete symbols to show.",
)
@click.option(
    "--heatmap", type=FILE, help="Write a page with a map of symbols by sessions (extra `charts`)."
)
@click.option("--out", type=FILE, help="Write a row a symbol and session to this .parquet file.")
@format_option
@quiet_option
def quality_command(
    archive_path: Path,
    start: dt.datetime | None,
    end: dt.datetime | None,
    symbols: tuple[str, ...],
    worst: int,
    heatmap: Path | None,
    out: Path | None,
    output_format: str,
    quiet: bool,
) -> None:
    """Tell how complete the bars of an archive are: by symbol, and as a map of symbols by sessions.

    Bars of regular hours against those expected, the longest time without a bar, and how many bars are stale, spikes that
    revert, fills without volume, or crossed (a high below the open, ...). A symbol is expected from its first session to its last.
    """
    from engine import api

    with progress_bar(quiet) as progress:
        found = api.quality(
            archive_path,
            *symbols,
            start=start,
            end=end,
            out=out,
            page=heatmap,
            on_progress=progress,
            spell=spell,
        )
    if output_format == "json":
        print_json(found.table.to_dicts())
        return
    print_facts(found.facts)
    say()
    columns = (
        "symbol",
        "sessions",
        "quality_percent",
        "worst_session",
        "worst_percent",
        "longest_gap",
        "stale",
        "spike",
        "filled",
        "crossed",
    )
    print_frame(
        "the least complete symbols; gaps in minutes", found.table.head(worst).select(columns)
    )
    say()
    _print_map(found, found.table["symbol"].head(worst).to_list())


def _print_map(quality: Quality, symbols: list[str]) -> None:
    names = ["all", *(shortened(symbol, LONGEST_NAME) for symbol in symbols)]
    rows = list(zip(names, [quality.market, *quality.map(symbols)], strict=True))
    width, dates = max(len(name) for name, _ in rows), quality.columns
    step = max(1, -(-len(dates) // MAP_COLUMNS))
    if not sys.stdout.isatty():
        for name, values in rows:
            say(f"{name:<{width}}  {''.join(_block(value) for value in values[::step])}")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(
        f"coverage, {dates[0]} to {dates[-1]}: [red]\u2588[/] 0 %  [yellow]\u2588[/] 80 %  [green]\u2588[/] 100 %"
    )
    for name, values in rows:
        line = Text(f"{name:<{width}}  ")
        for value in values[::step]:
            line.append("\u2588" if value == value else " ", style=_color(value))
        console.print(line, no_wrap=True, crop=True)


def _block(value: float) -> str:
    """A block as high as the share of bars that are there, a dot for none, a blank where none is expected."""
    return (
        " "
        if value != value
        else BLOCKS[0]
        if value == 0
        else BLOCKS[min(8, 1 + int(value / 12.5001))]
    )


def _color(value: float) -> str:
    """Red to yellow up to 80 %, yellow to green above."""
    if value != value:
        return "default"
    red, green = (
        (220, int(200 * value / 80)) if value < 80 else (int(220 * (100 - value) / 20), 180)
    )
    return f"rgb({red},{green},40)"
