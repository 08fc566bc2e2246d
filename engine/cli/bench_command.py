"""`barsweep bench`: Measure how fast scanners scan, against decoding, DuckDB and Polars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.output import print_json, print_table, progress_bar, say
from engine.cli.shared_options import (
    FILE,
    FOLDER,
    archive_option,
    log_level_option,
    quiet_option,
    scan_keywords,
    scan_options,
    spell,
)
from engine.log import set_up_logging

MOMENTUM = "scanners.momentum_scanner"


@click.command("bench")
@click.argument("scanners", nargs=-1)
@archive_option(required=False)
@click.option(
    "--symbols",
    type=click.IntRange(8),
    default=5_000,
    show_default=True,
    help="Symbols of the bench market.",
)
@click.option(
    "--sessions",
    type=click.IntRange(1),
    default=25,
    show_default=True,
    help="Sessions of the bench market.",
)
@click.option(
    "--seed", type=int, default=7, show_default=True, help="Another seed is another market."
)
@click.option(
    "--root",
    type=FOLDER,
    default=Path("parquet_data"),
    show_default=True,
    help="Where bench markets are kept.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Runs, of which the median is told.",
)
@click.option(
    "--against",
    help="Hand-written peers to run on the same files, and to compare hits with: duckdb,polars.",
)
@click.option(
    "--profile", type=FILE, help="Write a flame graph of the scan to this .svg (needs py-spy)."
)
@click.option(
    "--scaling",
    type=FILE,
    help="Also measure 500 to 10,000 symbols and 5 to 60 sessions; plot them into this .html.",
)
@click.option(
    "--goals",
    is_flag=True,
    help="Measure what the project promises instead, each against its limit; takes minutes.",
)
@click.option(
    "--record",
    type=FILE,
    help="Put the figures on top of this file of results, such as bench/RESULTS.md.",
)
@click.option(
    "--note", default="measured again", show_default=True, help="With --record: what has changed."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@scan_options
@quiet_option
@log_level_option
def bench_command(
    scanners: tuple[str, ...],
    archive_path: Path | None,
    symbols: int,
    sessions: int,
    seed: int,
    root: Path,
    repeats: int,
    against: str | None,
    profile: Path | None,
    scaling: Path | None,
    goals: bool,
    record: Path | None,
    note: str,
    as_json: bool,
    quiet: bool,
    log_level: str,
    **options: Any,
) -> int:
    """Measure how fast SCANNERS, or --where "EXPRESSION", scan an archive.

    The momentum scanner where none is named.

    Without --archive a synthetic market is made and kept, so that the next bench runs on the same.
    Told are bars a second, the ratio to decoding the same columns and nothing else, the time of
    each phase, microseconds a tick, and, each in a process of its own, how soon the first session
    is done, how long compiling takes and how much memory.
    """
    set_up_logging("error" if quiet else log_level)
    from bench import results
    from bench.goals import measure_goals
    from bench.measure import machine, measure
    from bench.peers.check import PEERS
    from bench.profile import write_flame_graph
    from bench.scaling import measure_scaling, write_plot
    from bench.workload import Workload, bench_archive
    from engine.api import open_archive

    keywords = scan_keywords(options)

    def make(path: Path) -> Workload:
        modules = scanners or (() if keywords["where"] else (MOMENTUM,))
        return Workload(
            path,
            open_archive(path, keep=0, spell=spell)
            .config(*modules, **keywords)
            .model_dump(mode="json"),
        )

    peers = _peers(against, tuple(PEERS))
    content: dict[str, Any]
    with progress_bar(quiet) as progress:
        if goals:
            content = {"goals": measure_goals(root, seed, repeats, progress), "machine": machine()}
            columns: tuple[str, ...] = ("figure", "measured", "goal", "")
            said = {True: "met", False: "missed", None: ""}
            table: list[tuple[str, ...]] = [
                (one["goal"], one["measured"], one["limit"], said[one["met"]])
                for one in content["goals"]
            ]
        else:
            workload = make(archive_path or bench_archive(root, symbols, sessions, seed, progress))
            content = measure(workload, repeats, peers)
            columns, table = ("figure", "measured"), list(results.rows(content))
            if profile:
                write_flame_graph(workload, profile)
        if scaling:
            content["scaling"] = measure_scaling(root, seed, make, repeats, progress)
            write_plot(content["scaling"], scaling)
    if record:
        results.record(record, note, machine(), table, columns)
    if as_json:
        print_json(content)
    else:
        print_table("", columns, table)
        if scaling:
            _print_scaling(content["scaling"])
    return 0 if all(one["met"] is not False for one in content.get("goals", ())) else 1


def _peers(against: str | None, known: tuple[str, ...]) -> list[str]:
    from engine.errors import ConfigError, did_you_mean

    names = [name.strip() for name in against.split(",")] if against else []
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--against {name}",
                expected=f"one of {', '.join(known)}",
                fix=did_you_mean(name, known),
            )
    return names


def _print_scaling(found: list[dict[str, Any]]) -> None:
    columns = (
        "symbols",
        "sessions",
        "million bars",
        "decode s",
        "scan s",
        "ratio",
        "million bars/s",
        "MB",
    )
    rows = [
        (
            row["symbols"],
            row["sessions"],
            row["bars"] / 1e6,
            row["decode"],
            row["scan"],
            row["scan"] / row["decode"],
            row["bars"] / row["scan"] / 1e6,
            row["peak_mb"],
        )
        for row in found
    ]
    say()
    print_table("cost against size", columns, rows)
