"""`barsweep archive`: Make, import, check, compare and describe archives of bars."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.actions_command import actions_command, tickers_command
from engine.cli.archive_import import import_command
from engine.cli.output import (
    print_facts,
    print_frame,
    print_json,
    print_table,
    print_warnings,
    progress_bar,
    say,
    tell_reading_cost,
)
from engine.cli.quality_command import quality_command
from engine.cli.shared_options import (
    DAY,
    FILE,
    FOLDER,
    CommandGroup,
    archive_option,
    columns_of,
    format_option,
    quiet_option,
    spell,
)
from engine.cli.text_options import text_options

if TYPE_CHECKING:
    pass


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
def demo_command(
    archive_path: Path,
    symbols: int,
    sessions: int,
    seed: int,
    start: datetime,
    force: bool,
    quiet: bool,
) -> None:
    """Make a synthetic market that looks like one; the same options make the same bytes.

    From 2017-11-01 on, 25 sessions have a change of daylight saving and an early close, and the
    default 117 reach to 2018-04-20. Where the same market is there already, nothing is done.
    """
    from engine import api

    with progress_bar(quiet) as progress:
        made = api.make_demo(
            archive_path,
            symbols=symbols,
            sessions=sessions,
            seed=seed,
            start=start,
            force=force,
            on_progress=progress,
        )
    if not quiet:
        say(f"{'made' if made else 'already there:'} {archive_path}", err=True)


archive_group.add_command(import_command)


@archive_group.command("layouts")
@format_option
def layouts_command(output_format: str) -> None:
    """List the vendors' layouts that import knows."""
    from engine import api

    columns = ("layout", "bars", "label", "zone", "recognized", "note", "documented at")
    rows = [dataclasses.astuple(layout) for layout in api.layouts()]
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
    """Compare two archives bar by bar: sessions, symbols and rows that only one has or that differ.

    Status 1 where any do.
    """
    from engine import api

    with progress_bar(quiet) as progress:
        found = api.diff_archives(a, b, on_progress=progress)
    if output_format == "json":
        print_json([dataclasses.asdict(difference) for difference in found])
    elif found:
        columns = (
            "where",
            "symbols only A",
            "symbols only B",
            "rows only A",
            "rows only B",
            "rows changed",
            "first",
        )
        print_table(
            "differences",
            columns,
            [
                (
                    d.where,
                    len(d.symbols_only_a),
                    len(d.symbols_only_b),
                    d.rows_only_a,
                    d.rows_only_b,
                    d.rows_changed,
                    d.first,
                )
                for d in found
            ],
        )
    else:
        say("the same bars")
    return 1 if found else 0


archive_group.add_command(actions_command)
archive_group.add_command(tickers_command)


@archive_group.command("init")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--archive",
    "archive_path",
    type=FOLDER,
    help="Where archive.json goes; the folder of the files where left out.",
)
@click.option(
    "--label",
    type=click.Choice(["open", "close"]),
    help="Which end of a bar the files' timestamps label.",
)
@click.option(
    "--files",
    help='Paths of the files, such as "date={date}/*.parquet"; found by looking where left out.',
)
@click.option(
    "--exchange", default="XNYS", show_default=True, help="Market identifier code, or 24/7."
)
@click.option("--timezone", help="Zone of timestamps that carry none, such as America/New_York.")
@click.option(
    "--epoch-unit",
    type=click.Choice(["s", "ms", "us", "ns"]),
    help="Unit of timestamps that are whole numbers.",
)
@click.option(
    "--time-format",
    help="Form of timestamps that are text, such as '%d.%m.%Y %H:%M'; found where they tell it.",
)
@click.option("--interval", help="Interval of the bars; found from their spacing where left out.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Name of a column in the files; may be repeated.",
)
@text_options
@click.option("--source", default="", help="Where the bars come from, in words, for archive.json.")
@quiet_option
def init_command(
    folder: Path, archive_path: Path | None, columns: tuple[str, ...], quiet: bool, **options: Any
) -> None:
    """Make an archive of FOLDER, whose files are laid out by date already, without importing them.

    Writes archive.json and reads every file once; the files stay as they are. What is known of them
    is kept in the cache folder and follows them: files that are new or changed are read again by
    the next command.
    """
    from engine import api

    with progress_bar(quiet) as progress:
        found = api.read_in_place(
            folder,
            archive=archive_path,
            columns=columns_of(columns),
            on_progress=progress,
            spell=spell,
            **options,
        )
    sessions = found.sessions
    print_facts(
        {
            "archive": found.path,
            "files": found.files,
            "interval": found.interval,
            "sessions": f"{len(sessions)} ({sessions[0]} to {sessions[-1]})",
            "symbols": found.symbols,
            "bars": found.bars,
            "sessions out of order": found.out_of_order,
            "rows left out": sum(found.left_out.values()),
        }
    )
    if found.left_out:
        say()
        print_table("", ("reason", "rows"), sorted(found.left_out.items()))
    print_warnings(found.doubts)
    if not quiet:
        tell_reading_cost(found.reading_cost())


@archive_group.command("info")
@archive_option(required=True)
@format_option
def info_command(archive_path: Path, output_format: str) -> None:
    """Show what an archive holds: sessions, symbols, rows, size, span, coverage."""
    from engine import api

    info = api.info(archive_path)
    if output_format == "json":
        print_json(dataclasses.asdict(info))
        return
    print_facts(
        {
            "archive": info.path,
            "exchange": info.exchange,
            "source": info.source,
            "symbols": info.symbols,
            "corporate actions": info.corporate_actions,
        }
    )
    say()
    columns = ("interval", "sessions", "first", "last", "rows", "MB", "coverage %")
    print_table(
        "",
        columns,
        [
            (
                i.interval,
                i.sessions,
                str(i.first),
                str(i.last),
                i.rows,
                i.bytes / 1e6,
                i.coverage_percent,
            )
            for i in info.intervals
        ],
    )


@archive_group.command("check")
@archive_option(required=True)
@click.option(
    "--fix",
    is_flag=True,
    help="Repair first what is safe to repair; every change is written down in fixes/.",
)
@click.option(
    "--remove-up-to",
    type=click.FloatRange(0, 100),
    default=5.0,
    show_default=True,
    metavar="PERCENT",
    help=(
        "With --fix: the most of a symbol's bars in a session that may be removed as fills "
        "without volume."
    ),
)
@format_option
@quiet_option
def check_command(
    archive_path: Path, fix: bool, remove_up_to: float, output_format: str, quiet: bool
) -> int:
    """Read every bar of an archive and tell what is wrong; exit status 1 where there are faults.

    Faults are what a run must not see, and parts that are missing; notes are oddities: sessions
    that are missing or half, prices that stand still, spikes that revert, fills without volume.
    Notes alone are exit status 0. --fix sorts, drops exact copies and fills without volume, and
    puts right highs and lows that are exchanged or miss open or close by rounding, and no more.
    """
    from engine import api

    with progress_bar(quiet) as progress:
        found = api.check(archive_path, fix=fix, remove_up_to=remove_up_to, on_progress=progress)
    status = 1 if found.faults else 0
    if output_format == "json":
        told = found.as_dicts()
        print_json({"changes": found.changes, "findings": told} if fix else told)
        return status
    if found.changes:
        print_table(
            f"repaired, see {archive_path / found.fixes.name}",
            ("repaired", "count"),
            sorted(found.changes.items()),
        )
    if found.clean:
        say("clean: nothing found")
    else:
        print_frame("findings", found.table, ("", "kind", "where", "count", "example"))
    if fix and found.fills and not quiet:
        share = f"more than {remove_up_to:g} % of their symbol's bars in a session"
        say(
            f"{found.fills:,} fills without volume stay: they are {share}; --remove-up-to PERCENT "
            "removes more",
            err=True,
        )
    return status


archive_group.add_command(quality_command)
