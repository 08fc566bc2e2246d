"""`barsweep explain`."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.adhoc import is_run_or_config, loaded_from, of_scanner
from engine.cli.options import archive_option, format_option, scan_options
from engine.cli.output import print_facts, print_json, print_table, say
from engine.errors import ConfigError

if TYPE_CHECKING:
    from engine.archive.archive import Archive
    from engine.config.load import LoadedConfig
    from engine.results.explain import ClauseAnswer, Explanation, NearMiss


@click.command("explain")
@click.argument("source", required=False, metavar="[RUN_OR_SCANNER]")
@click.option("--symbol", help="The symbol to explain.")
@click.option("--at", "at", required=True, help='The tick, exchange time: "2018-03-01 09:45".')
@click.option("--scanner", help="Which scanner of the run; its only one where left out.")
@click.option("--near-misses", "near", is_flag=True, help="List the symbols that failed exactly one clause at the tick.")
@archive_option(required=False)
@scan_options
@format_option
def explain_command(
    source: str | None, symbol: str | None, at: str, scanner: str | None, near: bool, archive_path: Path | None,
    output_format: str, **options: Any,
) -> None:  # fmt: skip
    """Say why a symbol was found at a tick, or why it was not.

    RUN_OR_SCANNER is a run directory, a session config, or a scanner's module; a module and --where take the options of
    `barsweep scan`. Every clause is shown with both of its sides, then the rank, the cut, and the nearest tick at which it would
    pass.
    """
    from engine.results.explain import explain, near_misses

    tick = _tick(at)
    loaded, archive = _source(source, archive_path, options)
    if near:
        name, misses = near_misses(loaded, archive, scanner, tick)
        _print_misses(name, misses, output_format)
        return
    if not symbol:
        raise ConfigError("no symbol", expected="--symbol TSLA, or --near-misses")
    answer = explain(loaded, archive, scanner, symbol.upper(), tick)
    print_json(dataclasses.asdict(answer)) if output_format == "json" else _print(answer)


def _tick(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"--at {text!r}", expected='a date and a time of the exchange such as "2018-03-01 09:45"') from None


def _source(source: str | None, archive_path: Path | None, options: dict[str, Any]) -> tuple[LoadedConfig, Archive]:
    if source and is_run_or_config(source):
        return loaded_from(Path(source), archive_path)
    return of_scanner(source, archive_path, options)


def _print(answer: Explanation) -> None:
    verdict = "a hit" if answer.hit else _why_not(answer)
    cut = {"per tick": answer.limit, "per session": answer.session_limit}
    limits = ", ".join(f"{name} {limit}" for name, limit in cut.items() if limit is not None)
    print_facts({
        "scanner": answer.scanner, "symbol": answer.symbol, "tick": f"{answer.tick:%Y-%m-%d %H:%M %Z}", "answer": verdict,
        "in universe": "yes" if answer.in_universe else "no", "had a bar": "yes" if answer.had_bar else "no",
        "rank": answer.rank, "cut": limits or "none",
        "nearest pass": f"{answer.nearest:%H:%M}" if answer.nearest else "none in this session",
    })  # fmt: skip
    say()
    print_table(
        "clauses", ("clause", "holds", "comparison", "left", "", "right"), [row for c in answer.clauses for row in _rows(c)]
    )
    say()
    print_table("columns", ("column", "value"), [(name, _shown(value)) for name, value in answer.columns.items()])


def _why_not(answer: Explanation) -> str:
    if not answer.in_universe:
        return "no hit: not in the scanner's universe"
    failed = [clause.name for clause in answer.clauses if not clause.holds]
    if failed:
        return f"no hit: fails {', '.join(failed)}"
    over = answer.limit is not None and answer.rank is not None and answer.rank > answer.limit
    return f"no hit: rank {answer.rank} is over the limit of {answer.limit}" if over else "no hit: cut by the session's limit"


def _rows(clause: ClauseAnswer) -> list[tuple[str, str, str, str, str, str]]:
    holds = "yes" if clause.holds else "NO"
    if not clause.sides:
        return [(clause.name, holds, clause.expression, "", "", "")]
    return [
        (clause.name, holds, side.text, _shown(side.left), side.sign if side.holds else f"not {side.sign}", _shown(side.right))
        for side in clause.sides
    ]


def _print_misses(scanner: str, misses: list[NearMiss], output_format: str) -> None:
    if output_format == "json":
        print_json([dataclasses.asdict(miss) for miss in misses])
        return
    rows = [
        (miss.symbol, *row[:1], *row[2:]) for miss in misses for row in _rows(miss.clause) if row[4].startswith("not") or not row[4]
    ]
    print_table(f"{scanner}: one clause failed", ("symbol", "clause", "comparison", "left", "", "right"), rows)


def _shown(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else "no value" if value is None else str(value)
