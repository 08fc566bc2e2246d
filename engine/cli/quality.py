"""`barsweep archive quality`."""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import DAY, FILE, archive_option, check_order, format_option, quiet_option
from engine.cli.output import print_facts, print_json, print_table, progress_bar, say
from engine.text import shortened

if TYPE_CHECKING:
    import polars as pl

    from engine.archive.quality import ArchiveQuality, QualityTotals

MAP_COLUMNS, PAGE_COLUMNS = 60, 520  # of a heat map: on a terminal, in a page
LONGEST_NAME = 24  # of a symbol before its row
BLOCKS = "·▁▂▃▄▅▆▇█"


@click.command("quality")
@archive_option(required=True)
@click.option("--start", **DAY, help="First date; the archive's first where left out.")
@click.option("--end", **DAY, help="Last date; the archive's last where left out.")
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol; may be repeated.")
@click.option(
    "--worst", default=20, show_default=True, type=click.IntRange(1), help="How many of the least complete symbols to show."
)
@click.option("--heatmap", type=FILE, help="Write a page with a map of symbols by sessions (extra `charts`).")
@click.option("--out", type=FILE, help="Write a row a symbol and session to this .parquet file.")
@format_option
@quiet_option
def quality_command(
    archive_path: Path, start: dt.datetime | None, end: dt.datetime | None, symbols: tuple[str, ...], worst: int,
    heatmap: Path | None, out: Path | None, output_format: str, quiet: bool,
) -> None:  # fmt: skip
    """Tell how complete the bars of an archive are: by symbol, and as a map of symbols by sessions.

    Bars of regular hours against those expected, the longest time without a bar, and how many bars are stale, spikes that
    revert, fills without volume, or crossed (a high below the open, ...). A symbol is expected from its first session to its last.
    """
    from engine.archive.archive import Archive
    from engine.archive.atomic import atomic_path
    from engine.archive.quality import ArchiveQuality
    from engine.results.charts import plotly
    from engine.results.coverage_page import coverage_page

    check_order(start, end)
    if heatmap:
        plotly()  # before anything is read
    archive = Archive.open(archive_path)
    wanted = [symbol.upper() for symbol in symbols]
    quality = ArchiveQuality(archive, start and start.date(), end and end.date(), wanted)
    totals = _read(quality, PAGE_COLUMNS if heatmap else MAP_COLUMNS, out, quiet)
    if heatmap:
        page = coverage_page(f"{archive_path}: bars present, {quality.dates[0]} to {quality.dates[-1]}", totals)
        with atomic_path(heatmap) as temporary:
            temporary.write_text(page, encoding="utf-8")
    if output_format == "json":
        print_json(totals.by_symbol.to_dicts())
        return
    _print(quality, totals, worst)


def _read(quality: ArchiveQuality, columns: int, out: Path | None, quiet: bool) -> QualityTotals:
    """The totals; and every row into a file, where one is asked for."""
    from engine.archive.quality import QualityTotals
    from engine.results.tables import whole_table
    from engine.schema import ARCHIVE_QUALITY_SCHEMA

    totals = QualityTotals(quality, columns)
    rows_of = whole_table(out, ARCHIVE_QUALITY_SCHEMA) if out else nullcontext()
    with rows_of as table, progress_bar(quiet) as progress:
        for number, rows in enumerate(quality):
            totals.add(number, rows)
            if table:
                table.add(rows)
            progress("sessions", number + 1, len(quality.dates))
    return totals


def _print(quality: ArchiveQuality, totals: QualityTotals, worst: int) -> None:
    table = totals.by_symbol
    expected, present = (int(table[name].sum()) for name in ("expected", "present"))
    print_facts({
        "sessions": f"{len(quality.dates)} ({quality.dates[0]} to {quality.dates[-1]})", "symbols": len(table),
        "bars": present, "expected": expected, "quality": f"{100 * present / max(1, expected):.2f} %",
        "complete": f"{(table['quality_percent'] >= 99.0).sum()} symbols with 99 % or more",
    })  # fmt: skip
    say()
    columns = ("symbol", "sessions", "quality_percent", "worst_session", "worst_percent", "longest_gap",
               "stale", "spike", "filled", "crossed")  # fmt: skip
    print_table("the least complete symbols; gaps in minutes", columns, table.head(worst).select(columns).rows())
    say()
    _print_map(totals, table.head(worst))


def _print_map(totals: QualityTotals, table: pl.DataFrame) -> None:
    symbols = table["symbol"].to_list()
    names = ["all", *(shortened(symbol, LONGEST_NAME) for symbol in symbols)]
    rows = list(zip(names, [totals.market, *totals.map(symbols)], strict=True))
    width, dates = max(len(name) for name, _ in rows), totals.columns
    step = max(1, -(-len(dates) // MAP_COLUMNS))
    if not sys.stdout.isatty():
        for name, values in rows:
            say(f"{name:<{width}}  {''.join(_block(value) for value in values[::step])}")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(f"coverage, {dates[0]} to {dates[-1]}: [red]\u2588[/] 0 %  [yellow]\u2588[/] 80 %  [green]\u2588[/] 100 %")
    for name, values in rows:
        line = Text(f"{name:<{width}}  ")
        for value in values[::step]:
            line.append("\u2588" if value == value else " ", style=_color(value))
        console.print(line, no_wrap=True, crop=True)


def _block(value: float) -> str:
    """A block as high as the share of bars that are there, a dot for none, a blank where none is expected."""
    return " " if value != value else BLOCKS[0] if value == 0 else BLOCKS[min(8, 1 + int(value / 12.5001))]


def _color(value: float) -> str:
    """Red to yellow up to 80 %, yellow to green above."""
    if value != value:
        return "default"
    red, green = (220, int(200 * value / 80)) if value < 80 else (int(220 * (100 - value) / 20), 180)
    return f"rgb({red},{green},40)"
