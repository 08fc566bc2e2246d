"""`barsweep sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.options import (
    FOLDER,
    archive_option,
    log_level_option,
    quiet_option,
    scan_keywords,
    scan_options,
    spell,
)
from engine.cli.output import (
    print_facts,
    print_frame,
    print_json,
    print_warnings,
    progress_bar,
    say,
    tell_of_compiling,
)
from engine.log import set_up_logging
from engine.runtime.stdout import plug_ins_print_to_stderr

if TYPE_CHECKING:
    from engine.api import Swept

SHOWN = 20  # variants that are printed


def several_where(command: Any) -> Any:
    """`scan_options`, of which --where may be given several times."""
    command = scan_options(command)
    for option in command.__click_params__:
        if option.name == "where":
            option.multiple, option.default = True, ()
            option.help = 'An expression, in place of a scanner; of several each is a variant: "close > sma_{bars}_1d".'
    return command


@click.command("sweep")
@click.argument("scanners", nargs=-1, metavar="CONFIG_OR_SCANNER...")
@archive_option(required=False)
@several_where
@click.option(
    "--grid",
    "grid",
    multiple=True,
    metavar="NAME=VALUES",
    help="A parameter and its values: min_change=0.01:0.10:0.005, or min_rsi=50,60,70; may be repeated.",
)
@click.option(
    "--random", type=click.IntRange(1), help="So many variants of the grid, drawn by chance."
)
@click.option("--sobol", type=click.IntRange(1), help="So many variants that fill the grid evenly.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of variants that are drawn.")
@click.option(
    "--first-hit", is_flag=True, help="Judge the first hit of each symbol and session alone."
)
@click.option(
    "--horizons",
    metavar="NAME,NAME",
    help="Horizons of forward returns, such as m30,close; all of `barsweep evaluate` where left out.",
)
@click.option(
    "--out",
    type=FOLDER,
    help="Folder for variants.parquet, daily_returns.parquet, manifest.json, sweep.html.",
)
@click.option("--show", "run", type=FOLDER, help="A sweep's folder: write the config of --variant.")
@click.option("--variant", type=click.IntRange(0), help="With --show: the number of the variant.")
@quiet_option
@log_level_option
def sweep_command(
    scanners: tuple[str, ...],
    archive_path: Path | None,
    grid: tuple[str, ...],
    random: int | None,
    sobol: int | None,
    seed: int,
    first_hit: bool,
    horizons: str | None,
    out: Path | None,
    run: Path | None,
    variant: int | None,
    quiet: bool,
    log_level: str,
    **options: Any,
) -> int:
    """Judge variants of a session config, of SCANNERS, or of expressions, by what their hits did next, in one pass.

    Every combination of the --grid values is a variant, and so is each of several --where. Figures are those that
    `barsweep evaluate` gives for the variant alone; with strategies, what `barsweep run` says of its account and trades stands
    beside them. --show FOLDER --variant NUMBER writes a variant's config.
    """
    set_up_logging("error" if quiet else log_level)
    from engine import api

    if run is not None:
        return _show(run, variant)
    if variant is not None:
        raise click.UsageError("--variant without --show FOLDER")
    where = options.pop("where")
    keywords = {name: value for name, value in scan_keywords(options).items() if value}
    with progress_bar(quiet) as progress, tell_of_compiling(quiet), plug_ins_print_to_stderr():
        swept = api.sweep(
            *scanners,
            archive=archive_path,
            grid=grid,
            where=where,
            random=random,
            sobol=sobol,
            seed=seed,
            first_hit=first_hit,
            horizons=horizons.split(",") if horizons else None,
            out=out,
            on_progress=progress,
            spell=spell,
            **keywords,
        )
    _print(swept)
    print_warnings(swept.warnings)
    return 1 if swept.result.skipped else 0


def _show(run: Path, variant: int | None) -> int:
    from engine import api

    if variant is None:
        raise click.UsageError("--show FOLDER without --variant NUMBER")
    print_json(api.variant_config(run, variant).model_dump(mode="json", exclude={"sweep"}))
    return 0


def _print(swept: Swept) -> None:
    facts = {
        "variants": f"{len(swept.variants):,}",
        **({"computed": f"{swept.computed:,}"} if swept.computed < len(swept.variants) else {}),
        **{f"way of {name}": way for name, way in swept.ways.items()},
        "time": f"{swept.seconds:.2f} s",
        **({"written to": swept.out} if swept.out else {}),
    }
    print_facts(facts)
    say()
    print_frame("variants", swept.variants.head(SHOWN))
