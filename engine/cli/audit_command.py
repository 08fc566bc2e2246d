"""`barsweep audit`: Prove that nothing looks ahead, and that warm-ups are long enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.output import (
    print_facts,
    print_frame,
    print_json,
    print_warnings,
    progress_bar,
    say,
)
from engine.cli.shared_options import (
    archive_option,
    format_option,
    log_level_option,
    quiet_option,
    scan_keywords,
    scan_options,
    spell,
)
from engine.log import set_up_logging


@click.command("audit")
@click.argument("source", required=False, metavar="[CONFIG_OR_SCANNER]")
@click.option(
    "--ticks", type=click.IntRange(1), default=5, show_default=True, help="Random ticks a session."
)
@click.option(
    "--sessions", type=click.IntRange(1), default=1, show_default=True, help="Random sessions."
)
@click.option(
    "--before",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Sessions to replay before the audited one, so that strategies hold something.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Draws sessions, ticks and futures.",
)
@click.option(
    "--warm-up/--no-warm-up",
    "warm_up",
    default=True,
    help="Also replay with longer warm-ups.",
    show_default=True,
)
@archive_option(required=False)
@scan_options
@format_option
@quiet_option
@log_level_option
def audit_command(
    source: str | None,
    ticks: int,
    sessions: int,
    before: int,
    seed: int,
    warm_up: bool,
    archive_path: Path | None,
    output_format: str,
    quiet: bool,
    log_level: str,
    **options: Any,
) -> int:
    """Prove that nothing looks ahead: replay random ticks with the future cut off, and with another
    one.

    CONFIG_OR_SCANNER is a session config, a run directory, or a scanner's module; a module and
    --where take the options of `barsweep scan`, a config --start, --end, --universe and --set
    KEY=VALUE. What was known up to a tick is compared: columns of the cross-section, members of
    universes, clauses, features, ranks, hits, promotions, orders, fills, trades, equity. Exit
    status 1 says that something differs, that a scanner or a strategy failed, or that the
    archive's bars themselves speak against their interval or their label, which no replay can see.
    """
    set_up_logging("error" if quiet else log_level)
    from engine import api

    with progress_bar(quiet) as progress:
        found = api.audit(
            source,
            archive=archive_path,
            ticks=ticks,
            sessions=sessions,
            before=before,
            seed=seed,
            warm_up=warm_up,
            on_progress=progress,
            spell=spell,
            **scan_keywords(options),
        )
    if output_format == "json":
        print_json(found.as_dict())
    else:
        print_facts(found.facts)
        if len(found.differences):
            heads = (
                "what",
                "scanner or strategy",
                "name",
                "symbol",
                "first at",
                "is",
                "is then",
                "values",
                "in the replay",
            )
            say()
            print_frame(
                "known at the time, and another thing in a replay", found.differences, heads
            )
        if found.warm_up_facts:
            say()
            print_facts(found.warm_up_facts)
        if len(found.moving):
            say()
            print_frame(
                "warm-up: sessions needed and there, and what moves or appears with more",
                found.moving,
            )
    print_warnings(found.warnings)
    return 0 if found.clean else 1
