"""`barsweep optimize`: Search the best variant, judge it apart, and say how much of it is luck."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from engine.cli.output import (
    print_facts,
    print_frame,
    print_json,
    progress_bar,
    say,
    tell_of_compiling,
)
from engine.cli.shared_options import (
    FOLDER,
    archive_option,
    format_option,
    log_level_option,
    quiet_option,
    scan_keywords,
    spell,
)
from engine.cli.sweep_command import several_where
from engine.log import set_up_logging
from engine.runtime.stdout import plug_ins_print_to_stderr

SHOWN = 20  # splits that are printed


@click.command("optimize")
@click.argument("scanners", nargs=-1, metavar="CONFIG_OR_SCANNER...")
@archive_option(required=False)
@several_where
@click.option(
    "--grid",
    "grid",
    multiple=True,
    metavar="NAME=VALUES",
    help=(
        "A parameter and its values: min_change=0.01:0.10:0.005, or min_rsi=50,60,70; may be "
        "repeated."
    ),
)
@click.option(
    "--objective",
    help="The figure of variants.parquet that is to be large: excess_close, t_m30, hits; of "
    "strategies sharpe_ratio and the other metrics of daily returns.",
)
@click.option("--minimize", is_flag=True, help="The objective is to be small.")
@click.option(
    "--search",
    type=click.Choice(["all", "halving", "optuna"]),
    default="all",
    show_default=True,
    help="All variants; or all by a month, the best third by three months, and so on; or those "
    "that Optuna suggests (extra `optimize`).",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="With --search optuna: how many variants it suggests.",
)
@click.option(
    "--random", type=click.IntRange(1), help="So many variants of the grid, drawn by chance."
)
@click.option("--sobol", type=click.IntRange(1), help="So many variants that fill the grid evenly.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, help="Of variants that are drawn or suggested."
)
@click.option(
    "--validate",
    type=click.Choice(["split", "rolling", "anchored", "folds", "combinatorial"]),
    default="split",
    show_default=True,
    help="Which sessions judge: the last ones; those after each window that chooses "
    "(walk-forward), rolling or anchored; each fold once; several folds at a time.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.3,
    show_default=True,
    help="With split: the share of the sessions that judges.",
)
@click.option(
    "--train",
    type=click.IntRange(1),
    help="Walk-forward: sessions that choose; half of all where left out.",
)
@click.option(
    "--test",
    type=click.IntRange(1),
    help="Walk-forward: sessions that judge; a tenth of all where left out.",
)
@click.option("--folds", type=click.IntRange(2), default=5, show_default=True, help="Folds.")
@click.option(
    "--test-folds",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="With combinatorial: folds that judge at a time.",
)
@click.option(
    "--lookback",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Sessions after a test fold that choose nothing, as their features look back into it.",
)
@click.option(
    "--embargo",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Further sessions after a test fold that choose nothing.",
)
@click.option(
    "--first-hit", is_flag=True, help="Judge the first hit of each symbol and session alone."
)
@click.option(
    "--ledger",
    type=FOLDER,
    default=Path("runs/trials"),
    show_default=True,
    help="Folder of the ledger of trials, which counts every variant that was tried.",
)
@click.option(
    "--out", type=FOLDER, help="Folder for splits, out-of-sample returns and hits, and variants."
)
@format_option
@quiet_option
@log_level_option
def optimize_command(
    scanners: tuple[str, ...],
    archive_path: Path | None,
    output_format: str,
    quiet: bool,
    log_level: str,
    **options: Any,
) -> int:
    """Search the best variant of a session config, of SCANNERS, or of expressions.

    Judge it in sessions that did not choose it.

    Beside it stands how much of it luck alone would give, of all variants that were ever tried over
    the archive.
    """
    set_up_logging("error" if quiet else log_level)
    from engine import api

    where = options.pop("where")
    given = {
        name: value for name, value in scan_keywords(options).items() if value not in ((), {}, None)
    }
    with progress_bar(quiet) as progress, tell_of_compiling(quiet), plug_ins_print_to_stderr():
        found = api.optimize(
            *scanners, archive=archive_path, where=where, on_progress=progress, spell=spell, **given
        )
    if output_format == "json":
        luck = found.luck.as_dict() if found.luck else None
        print_json(
            {
                "best": found.best,
                "variant": found.variant,
                "figure": found.figure,
                "splits": found.splits.to_dicts(),
                "luck": luck,
            }
        )
        return 0
    print_facts(found.facts())
    say()
    for line in found.in_words():
        say(line)
    say()
    print_frame("splits", found.splits.head(SHOWN))
    return 0
