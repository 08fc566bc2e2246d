"""`barsweep archive actions` and `barsweep archive tickers`: what is known of symbols beside their
bars.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.output import print_facts, print_json, print_table, say
from engine.cli.shared_options import FILE, archive_option, format_option, spell

if TYPE_CHECKING:
    import polars as pl

SHOWN = 10
replace_option = click.option(
    "--replace", is_flag=True, help="Forget what the archive has; else it is merged."
)
time_format_option = click.option(
    "--time-format", help="Form of a table's dates, such as '%d/%m/%Y'; found where they tell it."
)
symbol_option = click.option("--symbol", help="Show this symbol's alone.")


@click.command("actions")
@archive_option(required=True)
@click.option(
    "--table",
    type=FILE,
    help="CSV or Parquet: symbol, ex_date, split_ratio (new shares for one old), cash_dividend.",
)
@click.option(
    "--lean-factors", type=FILE, help="LEAN's factor files: a folder, a zip, or one symbol's .csv."
)
@click.option(
    "--by-ticker",
    is_flag=True,
    help="The table names tickers of the ex-date; the symbol map says whose they were.",
)
@time_format_option
@replace_option
@symbol_option
@format_option
def actions_command(
    archive_path: Path,
    table: Path | None,
    lean_factors: Path | None,
    by_ticker: bool,
    time_format: str | None,
    replace: bool,
    symbol: str | None,
    output_format: str,
) -> None:
    """Bring splits and cash dividends into an archive; without a source, show those it has.

    What a row says takes the place of what the archive has of its symbol and ex-date. An ex-date
    that is no session of the exchange takes effect at the next one.
    """
    from engine import api

    summary = api.actions(
        archive_path,
        table=table,
        lean_factors=lean_factors,
        by_ticker=by_ticker,
        time_format=time_format,
        replace=replace,
        spell=spell,
    )
    if not isinstance(summary, api.ActionsSummary):
        _show(summary, symbol, output_format)
        return
    if output_format == "json":
        print_json(dataclasses.asdict(summary))
        return
    print_facts(
        {
            "splits": summary.splits,
            "dividends": summary.dividends,
            "added": summary.added,
            "changed": summary.changed,
            "removed": summary.removed,
            "in the archive": summary.total,
            "of symbols without bars": _some(summary.absent),
        }
    )
    for text in summary.skipped:
        say(f"warning: {text}", err=True)


@click.command("tickers")
@archive_option(required=True)
@click.option(
    "--table",
    type=FILE,
    help=(
        "CSV or Parquet: symbol, ticker, start_date, end_date (the first day after; empty: still "
        "so)."
    ),
)
@click.option(
    "--lean-maps", type=FILE, help="LEAN's map files: a folder, a zip, or one symbol's .csv."
)
@time_format_option
@replace_option
@symbol_option
@format_option
def tickers_command(
    archive_path: Path,
    table: Path | None,
    lean_maps: Path | None,
    time_format: str | None,
    replace: bool,
    symbol: str | None,
    output_format: str,
) -> None:
    """Tell an archive which symbol had which ticker when; without a source, show what it knows.

    Bars stay filed under the ticker of their day and are read as their symbol's: after a change of
    ticker a symbol's history goes on, and two symbols that had the same ticker are kept apart.
    Tickers the map does not name are symbols of their own.
    """
    from engine import api

    summary = api.tickers(
        archive_path,
        table=table,
        lean_maps=lean_maps,
        time_format=time_format,
        replace=replace,
        spell=spell,
    )
    if not isinstance(summary, api.TickersSummary):
        _show(summary, symbol, output_format)
        return
    if output_format == "json":
        print_json(dataclasses.asdict(summary))
        return
    print_facts(
        {
            "symbols": summary.symbols,
            "intervals": summary.intervals,
            "added": summary.added,
            "replaced": summary.replaced,
            "symbols that changed their ticker": summary.renamed,
            "tickers that were used again": summary.reused,
            "symbols without bars": summary.absent,
        }
    )
    if summary.actions:
        say(
            f"warning: {summary.actions:,} corporate actions name a ticker that is no symbol's "
            "name, and so are of nobody; "
            "bring them in again, --by-ticker",
            err=True,
        )
    if summary.stray:
        told = _some([f"{ticker} {count:,}" for ticker, count in summary.stray.items()])
        say(f"warning: daily bars that are no symbol's, and are not read: {told}", err=True)


def _show(rows: pl.DataFrame, symbol: str | None, output_format: str) -> None:
    rows = rows.filter(rows["symbol"] == symbol.upper()) if symbol else rows
    print_json(rows.to_dicts()) if output_format == "json" else print_table(
        "",
        rows.columns,
        [
            [f"{cell:.10g}" if isinstance(cell, float) else cell for cell in row]
            for row in rows.rows()
        ],
    )


def _some(names: tuple[str, ...] | list[str]) -> str:
    return (
        ", ".join(names[:SHOWN])
        + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
    ) or "none"
