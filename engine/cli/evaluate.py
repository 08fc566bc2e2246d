"""`barsweep evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.adhoc import loaded_from
from engine.cli.options import FILE, archive_option, format_option, quiet_option
from engine.cli.output import print_json, print_table, progress_bar, say
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.results.evaluate import Evaluation


@click.command("evaluate")
@click.argument("source", type=FILE, metavar="HITS_OR_RUN")
@archive_option(required=False)
@click.option("--universe", help='Symbols that hits are compared with: a file, a membership .parquet or .csv, or "all" (default).')
@click.option("--tried", type=click.IntRange(1), help="How many variants were tried; counted in the run's folder where left out.")
@click.option("--html", "page", type=FILE, help="Write a page with plots to this HTML file.")
@click.option("--out", type=FILE, help="Write each hit with its returns to this .parquet file.")
@format_option
@quiet_option
def evaluate_command(
    source: Path, archive_path: Path | None, universe: str | None, tried: int | None, page: Path | None, out: Path | None,
    output_format: str, quiet: bool,
) -> None:  # fmt: skip
    """Say what hits did next: HITS_OR_RUN is a hits.parquet or a run directory.

    Returns from the next bar's open, after 5, 15, 30 and 60 minutes, to the close, the next open and close and five sessions on;
    the best and worst on the way to the close; all of them also over the mean of the symbols that did not hit at the same tick.
    """
    from engine.archive.archive import Archive
    from engine.archive.universe import load_universe
    from engine.results.evaluate import Evaluator
    from engine.results.evaluation_page import evaluation_page

    hits = source / "hits.parquet" if source.is_dir() else source
    if not hits.is_file():
        raise ConfigError("no such file", where=hits, expected="a hits.parquet, or a run directory")
    if out is not None and out.suffix != ".parquet":
        raise ConfigError(f"--out {out}", expected="a .parquet file")
    if archive_path is None and not source.is_dir():
        raise ConfigError("no archive", expected="--archive FOLDER for a hits file")
    archive = loaded_from(source, archive_path)[1] if source.is_dir() else Archive.open(archive_path or "")
    members = load_universe(universe, archive, Path).members if universe else None
    variants = tried or (_variants(source) if source.is_dir() else 1)
    evaluator = Evaluator(hits, archive, members, variants)
    with progress_bar(quiet) as progress:
        _walk(evaluator, out, progress)
    evaluations = evaluator.evaluations()
    if page:
        from engine.archive.atomic import atomic_path

        with atomic_path(page) as temporary:
            temporary.write_text(evaluation_page(f"Evaluation of {source.name}", evaluations), encoding="utf-8")
    if output_format == "json":
        print_json([one.as_dict() for one in evaluations])
        return
    if not evaluations:
        say("no hits")
    for one in evaluations:
        _print(one)


def _walk(evaluator: Any, out: Path | None, progress: Any) -> None:
    """Evaluate all sessions; with `out` keep each hit's returns."""
    from itertools import groupby

    import polars as pl

    from engine.results.tables import whole_table

    if out is None:
        evaluator.run(progress)
        return
    with whole_table(out, {}) as table:
        for _, month in groupby(evaluator.sessions(progress), key=lambda session: (session[0].year, session[0].month)):
            table.add(pl.concat([rows for _, rows in month], how="diagonal_relaxed"))


def _variants(run: Path) -> int:
    """How many configs of the run's name have been run into the same folder: each is a variant that was tried."""
    import json

    names = []
    for manifest in run.absolute().parent.glob("*/manifest.json"):
        try:
            content = json.loads(manifest.read_text(encoding="utf-8"))
            names.append((manifest.parent == run.absolute(), content["config"]["session_name"], content["config_digest"]))
        except (OSError, ValueError, KeyError):
            continue
    own = next((name for is_own, name, _ in names if is_own), None)
    return max(1, len({digest for _, name, digest in names if name == own}))


def _print(one: Evaluation) -> None:
    from engine.results.evaluation_page import NAMES, group_horizon, horizon_table, percent, plain

    span = f"{one.hits:,} hits in {one.sessions} sessions, {one.first} to {one.last}"
    say(f"{one.scanner}: {span}; variants tried: {one.tried}")
    print_table("", *horizon_table(one))
    horizon, groups = group_horizon(one), []
    for kind, named in one.groups.items():
        for group, figures in named.items():
            own = figures.get(horizon, {"count": 0})
            if own["count"]:
                groups.append((kind, group, own["count"], percent(own["win_rate"], 1), percent(own["mean"]), plain(own["t"])))
    say()
    print_table(f"mean excess, {NAMES[horizon]}", ("by", "group", "hits", "win rate", "mean", "t"), groups)
    say()
