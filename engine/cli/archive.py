"""`barsweep archive`."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.actions import actions_command, tickers_command
from engine.cli.options import DAY, FILE, FOLDER, CommandGroup, archive_option, format_option, quiet_option
from engine.cli.output import print_facts, print_json, print_table, progress_bar, tell_reading_cost
from engine.cli.quality import quality_command
from engine.cli.text_options import text_of, text_options

if TYPE_CHECKING:
    from engine.archive.importer import ImportSummary


@click.group("archive", cls=CommandGroup)
def archive_group() -> None:
    """Make, import, check, compare and describe archives of bars."""


@archive_group.command("demo")
@archive_option(required=True)
@click.option("--symbols", default=100, show_default=True, help="How many symbols.")
@click.option("--sessions", default=117, show_default=True, help="How many sessions.")
@click.option("--seed", default=7, show_default=True, help="Another seed is another market.")
@click.option("--start", **DAY, default="2017-11-01", show_default=True, help="First date.")
@click.option("--force", is_flag=True, help="Replace what the folder holds.")
@quiet_option
def demo_command(archive_path: Path, symbols: int, sessions: int, seed: int, start: datetime, force: bool, quiet: bool) -> None:
    """Make a synthetic market that looks like one; the same options make the same bytes.

    From 2017-11-01 on, 25 sessions have a change of daylight saving and an early close, and the default 117 reach
    to 2018-04-20. Where the same market is there already, nothing is done.
    """
    from engine.archive.demo import make_demo

    with progress_bar(quiet) as progress:
        made = make_demo(archive_path, symbols, sessions, seed, start.date(), force=force, progress=progress)
    if not quiet:
        click.echo(f"{'made' if made else 'already there:'} {archive_path}", err=True)


@archive_group.command("import")
@click.argument("sources", nargs=-1, required=True, type=FILE)
@archive_option(required=True)
@click.option("--layout", help="The vendor's layout (`barsweep archive layouts`), or columns; recognized where left out.")
@click.option("--append", is_flag=True, help="Read new and changed files only; leave sessions that are the same.")
@click.option("--label", type=click.Choice(["open", "close"]), help="Which end of a bar the source's timestamps label.")
@click.option("--exchange", help="Market identifier code, or 24/7.  [default: the layout's or the archive's, else XNYS]")
@click.option("--timezone", help="Zone of timestamps that carry none, such as America/New_York.")
@click.option("--epoch-unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Unit of timestamps that are whole numbers.")
@click.option("--time-format", help="Form of timestamps that are text, such as '%d.%m.%Y %H:%M'; found where left out.")
@click.option("--interval", help="Interval of the bars; found from their spacing where left out.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Name of a column in the source; may be repeated.")
@click.option(
    "--price-divisor", type=float, default=1.0, help="What prices are divided by: 10000 where they are whole numbers of 0.0001."
)
@click.option("--symbol-from-filename", is_flag=True, help="The symbol is the file's name without its ending: BRK.A of BRK.A.csv.")
@text_options
@click.option("--merge-opening-auction", is_flag=True, help="A bar that ends at the open is the auction's, part of the first bar.")
@click.option("--query", help="SQL that answers bars, asked of the DuckDB files SOURCES.")
@click.option("--source", default="", help="Where the bars come from, in words, for archive.json.")
@format_option
@quiet_option
def import_command(
    sources: tuple[Path, ...], archive_path: Path, layout: str | None, append: bool, label: str | None, exchange: str | None,
    timezone: str | None, epoch_unit: str | None, time_format: str | None, interval: str | None, columns: tuple[str, ...],
    price_divisor: float, symbol_from_filename: bool, merge_opening_auction: bool, query: str | None, source: str,
    repeated_hour: str | None, no_volume: bool, output_format: str, quiet: bool, **text: Any,
) -> None:  # fmt: skip
    """Import bar files, or folders of them, into an archive: a vendor's layout, any Parquet or CSV, a query of DuckDB.

    All SOURCES of one command are one import: a session it holds replaces the archive's. An import that was
    interrupted goes on when it is run again. Rows that cannot be bars are put aside with the reason, never dropped.
    """
    from engine.archive.import_options import ImportOptions
    from engine.archive.importer import import_bars
    from engine.archive.source import FILE_NAME, SourceOptions
    from engine.errors import ConfigError

    if not price_divisor > 0:
        raise ConfigError(f"--price-divisor {price_divisor:g}", expected="a number above 0")
    _check_zone(timezone)
    reading = SourceOptions(
        _mapping(columns), timezone, epoch_unit, time_format, FILE_NAME if symbol_from_filename else None,
        price_divisor=price_divisor, query=query, text=text_of(**text), repeated_hour=repeated_hour,
        no_volume=no_volume,
    )  # fmt: skip
    options = ImportOptions(label, exchange, interval, source, merge_opening_auction, layout, append, reading)
    with progress_bar(quiet) as progress:
        summary = import_bars(list(sources), archive_path, options, progress)
    print_json(dataclasses.asdict(summary)) if output_format == "json" else _print_import(summary)
    if not quiet and summary.layout == "lean":
        _tell_of_lean_files(sources, archive_path)


@archive_group.command("layouts")
@format_option
def layouts_command(output_format: str) -> None:
    """List the vendors' layouts that import knows."""
    from engine.archive.vendors import LAYOUTS

    columns = ("layout", "bars", "label", "zone", "recognized", "note", "documented at")
    rows = [(v.name, v.what, v.label, v.zone, "yes" if v.own else "suggested", v.note, v.url) for v in LAYOUTS.values()]
    if output_format == "json":
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table("", columns, rows)


@archive_group.command("diff")
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@format_option
@quiet_option
def diff_command(a: Path, b: Path, output_format: str, quiet: bool) -> int:
    """Compare two archives bar by bar: sessions, symbols and rows that only one has or that differ; status 1 where any do."""
    from engine.archive.archive import Archive
    from engine.archive.diff import diff_archives

    with progress_bar(quiet) as progress:
        found = diff_archives(Archive.open(a), Archive.open(b), progress)
    if output_format == "json":
        print_json([dataclasses.asdict(difference) for difference in found])
    elif found:
        columns = ("where", "symbols only A", "symbols only B", "rows only A", "rows only B", "rows changed", "first")
        print_table("differences", columns, [
            (d.where, len(d.symbols_only_a), len(d.symbols_only_b), d.rows_only_a, d.rows_only_b, d.rows_changed, d.first)
            for d in found
        ])  # fmt: skip
    else:
        click.echo("the same bars")
    return 1 if found else 0


archive_group.add_command(actions_command)
archive_group.add_command(tickers_command)


@archive_group.command("init")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--archive", "archive_path", type=FOLDER, help="Where archive.json goes; the folder of the files where left out.")
@click.option("--label", type=click.Choice(["open", "close"]), help="Which end of a bar the files' timestamps label.")
@click.option("--files", help='Paths of the files, such as "date={date}/*.parquet"; found by looking where left out.')
@click.option("--exchange", default="XNYS", show_default=True, help="Market identifier code, or 24/7.")
@click.option("--timezone", help="Zone of timestamps that carry none, such as America/New_York.")
@click.option("--epoch-unit", type=click.Choice(["s", "ms", "us", "ns"]), help="Unit of timestamps that are whole numbers.")
@click.option("--time-format", help="Form of timestamps that are text, such as '%d.%m.%Y %H:%M'; found where left out.")
@click.option("--interval", help="Interval of the bars; found from their spacing where left out.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Name of a column in the files; may be repeated.")
@text_options
@click.option("--source", default="", help="Where the bars come from, in words, for archive.json.")
@quiet_option
def init_command(
    folder: Path, archive_path: Path | None, label: str | None, files: str | None, exchange: str, timezone: str | None,
    epoch_unit: str | None, time_format: str | None, interval: str | None, columns: tuple[str, ...], source: str,
    repeated_hour: str | None, no_volume: bool, quiet: bool, **text: Any,
) -> None:  # fmt: skip
    """Make an archive of FOLDER, whose files are laid out by date already, without importing them.

    Writes archive.json and reads every file once; the files stay as they are. What is known of them is kept in the cache
    folder and follows them: files that are new or changed are read again by the next command.
    """
    from engine.archive.in_place import ForeignFiles
    from engine.archive.recognise import InPlaceOptions, init_in_place

    _check_zone(timezone)
    options = InPlaceOptions(
        label, exchange, files, interval, _mapping(columns), timezone, epoch_unit, source, text_of(**text), repeated_hour,
        time_format, no_volume,
    )  # fmt: skip
    with progress_bar(quiet) as progress:
        archive = init_in_place(folder, archive_path or folder, options, progress)
    assert isinstance(archive.files, ForeignFiles)
    catalogue = archive.files.catalogue()
    sessions = archive.sessions(archive.manifest.base.name)
    print_facts({
        "archive": archive.path, "files": archive.files.template, "interval": archive.manifest.base.name,
        "sessions": f"{len(sessions)} ({sessions[0]} to {sessions[-1]})", "symbols": len(archive.symbols()), "bars": catalogue.rows,
        "sessions out of order": catalogue.out_of_order, "rows left out": sum(catalogue.left_out.values()),
    })  # fmt: skip
    if catalogue.left_out:
        click.echo()
        print_table("", ("reason", "rows"), sorted(catalogue.left_out.items()))
    if not quiet:
        tell_reading_cost(archive, sessions[-1])


@archive_group.command("info")
@archive_option(required=True)
@format_option
def info_command(archive_path: Path, output_format: str) -> None:
    """Show what an archive holds: sessions, symbols, rows, size, span, coverage."""
    from engine.archive.archive import Archive
    from engine.archive.info import describe

    info = describe(Archive.open(archive_path))
    if output_format == "json":
        print_json(dataclasses.asdict(info))
        return
    print_facts({"archive": info.path, "exchange": info.exchange, "source": info.source, "symbols": info.symbols,
                 "corporate actions": info.corporate_actions})  # fmt: skip
    click.echo()
    columns = ("interval", "sessions", "first", "last", "rows", "MB", "coverage %")
    print_table("", columns, [
        (i.interval, i.sessions, str(i.first), str(i.last), i.rows, i.bytes / 1e6, i.coverage_percent) for i in info.intervals
    ])  # fmt: skip


@archive_group.command("check")
@archive_option(required=True)
@click.option("--fix", is_flag=True, help="Repair first what is safe to repair; every change is written down in fixes/.")
@click.option(
    "--remove-up-to", type=click.FloatRange(0, 100), default=5.0, show_default=True, metavar="PERCENT",
    help="With --fix: the most of a symbol's bars in a session that may be removed as fills without volume.",
)  # fmt: skip
@format_option
@quiet_option
def check_command(archive_path: Path, fix: bool, remove_up_to: float, output_format: str, quiet: bool) -> int:
    """Read every bar of an archive and tell what is wrong; exit status 1 where there are faults.

    Faults are what a run must not see, and parts that are missing; notes are oddities: sessions that are missing or half, prices
    that stand still, spikes that revert, fills without volume. Notes alone are exit status 0. --fix sorts, drops exact copies and
    fills without volume, and puts right highs and lows that are exchanged or miss open or close by rounding, and no more.
    """
    from engine.archive.anomalies import KINDS
    from engine.archive.archive import Archive
    from engine.archive.check import check_archive
    from engine.archive.fix import fix_archive
    from engine.archive.fix_log import FIXES

    archive = Archive.open(archive_path)
    with progress_bar(quiet) as progress:
        changes = fix_archive(archive, progress, remove_up_to) if fix else {}
        findings = check_archive(archive, progress)
    status = 1 if any(finding.fault for finding in findings) else 0
    if output_format == "json":
        told = [dataclasses.asdict(finding) for finding in findings]
        print_json({"changes": changes, "findings": told} if fix else told)
        return status
    if changes:
        print_table(f"repaired, see {archive_path / FIXES}", ("repaired", "count"), sorted(changes.items()))
    if findings:
        rows = [("fault" if f.fault else "note", f.kind, f.where, f.count, f.example) for f in findings]
        print_table("findings", ("", "kind", "where", "count", "example"), rows)
    else:
        click.echo("clean: nothing found")
    fills = sum(finding.count for finding in findings if finding.kind == KINDS["filled"])
    if fix and fills and not quiet:
        share = f"more than {remove_up_to:g} % of their symbol's bars in a session"
        click.echo(f"{fills:,} fills without volume stay: they are {share}; --remove-up-to PERCENT removes more", err=True)
    return status


archive_group.add_command(quality_command)


def _mapping(columns: tuple[str, ...]) -> dict[str, str]:
    from engine.errors import ConfigError

    mapping = dict(column.split("=", 1) for column in columns if "=" in column)
    if len(mapping) != len(columns):
        raise ConfigError(f"--column {' --column '.join(columns)}", expected="OURS=THEIRS, each of ours once")
    return mapping


def _check_zone(name: str | None) -> None:
    from zoneinfo import available_timezones

    from engine.errors import ConfigError, did_you_mean

    if name is not None and name not in available_timezones():
        raise ConfigError(f"--timezone {name}", expected="a zone such as America/New_York or UTC",
                          fix=did_you_mean(name, available_timezones()))  # fmt: skip


def _tell_of_lean_files(sources: tuple[Path, ...], archive_path: Path) -> None:
    """Where LEAN's factor and map files lie beside the bars, the commands that bring them in."""
    markets = {
        folder for source in sources for folder in (source, *source.absolute().parents) if (folder / "factor_files").exists()
    }
    for market in sorted(markets):
        click.echo(
            f"{market} has splits, dividends and changes of tickers too:\n"
            f"  barsweep archive actions --archive {archive_path} --lean-factors {market / 'factor_files'}\n"
            f"  barsweep archive tickers --archive {archive_path} --lean-maps {market / 'map_files'}", err=True,
        )  # fmt: skip


def _print_import(summary: ImportSummary) -> None:
    known = f", {summary.files_known:,} known and unchanged" if summary.files_known else ""
    print_facts({
        "layout": f"{summary.layout}, timestamps label the bar's {summary.label}",
        "interval": summary.interval,
        "files": f"{summary.files:,}{known}",
        "sessions": f"{summary.sessions:,}: {summary.sessions_added:,} added, {summary.sessions_replaced:,} replaced, "
                    f"{summary.sessions_unchanged:,} left as they were",
        "symbols in the archive": summary.symbols,
        "rows read": summary.rows_read,
        "rows written": summary.rows_written,
        "rows of sessions left": summary.rows_unchanged,
        "exact copies dropped": summary.copies_dropped,
        "auction rows merged": summary.auctions_merged,
        "quarantined": sum(summary.quarantined.values()),
    } | ({"went on": "with an import that was interrupted"} if summary.resumed else {}))  # fmt: skip
    if summary.quarantined:
        click.echo(f"\nput aside in {summary.quarantine_file}:")
        print_table("", ("reason", "rows"), sorted(summary.quarantined.items()))
