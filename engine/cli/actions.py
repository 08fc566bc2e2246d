"""`barsweep archive actions` and `barsweep archive tickers`: what is known of symbols beside their bars."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from engine.cli.options import FILE, archive_option, format_option
from engine.cli.output import print_facts, print_json, print_table

SHOWN = 10
replace_option = click.option("--replace", is_flag=True, help="Forget what the archive has; else it is merged.")
time_format_option = click.option(
    "--time-format", help="Form of a table's dates, such as '%d/%m/%Y'; found where they tell it."
)
symbol_option = click.option("--symbol", help="Show this symbol's alone.")


@click.command("actions")
@archive_option(required=True)
@click.option("--table", type=FILE, help="CSV or Parquet: symbol, ex_date, split_ratio (new shares for one old), cash_dividend.")
@click.option("--lean-factors", type=FILE, help="LEAN's factor files: a folder, a zip, or one symbol's .csv.")
@click.option("--by-ticker", is_flag=True, help="The table names tickers of the ex-date; the symbol map says whose they were.")
@time_format_option
@replace_option
@symbol_option
@format_option
def actions_command(
    archive_path: Path, table: Path | None, lean_factors: Path | None, by_ticker: bool, time_format: str | None,
    replace: bool, symbol: str | None, output_format: str,
) -> None:  # fmt: skip
    """Bring splits and cash dividends into an archive; without a source, show those it has.

    What a row says takes the place of what the archive has of its symbol and ex-date. An ex-date that is no session of the exchange
    takes effect at the next one.
    """
    from engine.archive import actions
    from engine.archive.archive import Archive
    from engine.archive.lean import factor_actions

    archive = Archive.open(archive_path)
    _one_source("--table", table, "--lean-factors", lean_factors)
    if table is None and lean_factors is None:
        _refuse_without_source(by_ticker or replace, "--table or --lean-factors")
        _show(archive.corporate_actions(), symbol, output_format)
        return
    if table:
        rows, skipped = actions.read_actions(table, time_format, archive.calendar), ()
    else:
        rows, skipped = factor_actions(archive, lean_factors)  # type: ignore[arg-type, assignment]
    rows = actions.by_ticker(archive, rows) if by_ticker else rows
    summary = actions.bring_in(archive, rows, replace, skipped)
    if output_format == "json":
        print_json(dataclasses.asdict(summary))
        return
    print_facts({
        "splits": summary.splits, "dividends": summary.dividends, "added": summary.added, "changed": summary.changed,
        "removed": summary.removed, "in the archive": summary.total, "of symbols without bars": _some(summary.absent),
    })  # fmt: skip
    for text in summary.skipped:
        click.echo(f"warning: {text}", err=True)


@click.command("tickers")
@archive_option(required=True)
@click.option(
    "--table", type=FILE, help="CSV or Parquet: symbol, ticker, start_date, end_date (the first day after; empty: still so)."
)
@click.option("--lean-maps", type=FILE, help="LEAN's map files: a folder, a zip, or one symbol's .csv.")
@time_format_option
@replace_option
@symbol_option
@format_option
def tickers_command(
    archive_path: Path, table: Path | None, lean_maps: Path | None, time_format: str | None, replace: bool, symbol: str | None,
    output_format: str,
) -> None:
    """Tell an archive which symbol had which ticker when; without a source, show what it knows.

    Bars stay filed under the ticker of their day and are read as their symbol's: after a change of ticker a symbol's history goes
    on, and two symbols that had the same ticker are kept apart. Tickers the map does not name are symbols of their own.
    """
    from engine.archive import tickers
    from engine.archive.archive import Archive
    from engine.archive.lean import ticker_intervals

    archive = Archive.open(archive_path)
    _one_source("--table", table, "--lean-maps", lean_maps)
    if table is None and lean_maps is None:
        _refuse_without_source(replace, "--table or --lean-maps")
        _show(archive.symbol_map.intervals, symbol, output_format)
        return
    rows = tickers.read_tickers(table, time_format) if table else ticker_intervals(lean_maps)  # type: ignore[arg-type]
    summary = tickers.bring_in(archive, rows, replace)
    if output_format == "json":
        print_json(dataclasses.asdict(summary))
        return
    print_facts({
        "symbols": summary.symbols, "intervals": summary.intervals, "added": summary.added, "replaced": summary.replaced,
        "symbols that changed their ticker": summary.renamed, "tickers that were used again": summary.reused,
        "symbols without bars": summary.absent,
    })  # fmt: skip
    if summary.actions:
        click.echo(f"warning: {summary.actions:,} corporate actions name a ticker that is no symbol's name, and so are of nobody; "
                   "bring them in again, --by-ticker", err=True)  # fmt: skip
    if summary.stray:
        told = _some([f"{ticker} {count:,}" for ticker, count in summary.stray.items()])
        click.echo(f"warning: daily bars that are no symbol's, and are not read: {told}", err=True)


def _one_source(one: str, first: Path | None, other: str, second: Path | None) -> None:
    from engine.errors import ConfigError

    if first is not None and second is not None:
        raise ConfigError(f"{one} and {other}", expected="one of them", fix="bring in one after the other")


def _refuse_without_source(given: bool, sources: str) -> None:
    from engine.errors import ConfigError

    if given:
        raise ConfigError("nothing to bring in", expected=sources)


def _show(table: object, symbol: str | None, output_format: str) -> None:
    import polars as pl

    assert isinstance(table, pl.DataFrame)
    rows = table.filter(pl.col("symbol") == symbol.upper()) if symbol else table
    print_json(rows.to_dicts()) if output_format == "json" else print_table(
        "", rows.columns, [[f"{cell:.10g}" if isinstance(cell, float) else cell for cell in row] for row in rows.rows()]
    )  # fmt: skip


def _some(names: tuple[str, ...] | list[str]) -> str:
    return (", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")) or "none"
