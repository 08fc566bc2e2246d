"""`barsweep diff`: Compare two runs: tables, rows, columns, and the first difference explained."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.output import print_json, print_table, say
from engine.cli.shared_options import FOLDER, format_option

if TYPE_CHECKING:
    from engine.api import RunsDiff, TableDiff


@click.command("diff")
@click.argument("one", metavar="RUN", type=FOLDER)
@click.argument("other", metavar="RUN", type=FOLDER)
@format_option
def diff_command(one: Path, other: Path, output_format: str) -> int:
    """Compare two run directories: which tables, rows and columns differ, and the first difference
    explained.

    Rows are matched by what names them (a hit by session, tick, scanner and symbol). `timings` is
    left out: it differs from run to run. Where the archives are still there, the clauses of the
    first hit that differs are shown as each run saw them. Exit status 1 says that the runs differ.
    """
    from engine import api

    found = api.diff(one, other)
    if output_format == "json":
        print_json(dataclasses.asdict(found) | {"same": found.same})
    else:
        _print(found, one, other)
    return 0 if found.same else 1


def _print(found: RunsDiff, one: Path, other: Path) -> None:
    for change in found.changes:
        say(change)
    if found.changes:
        say()
    heads = ("table", "rows", "rows", "only first", "only second", "changed", "columns")
    rows = [(t.name, *t.rows, *t.only, t.changed, _columns(t)) for t in found.tables]
    print_table("tables", heads, rows)
    say()
    if found.first is None:
        say("the same" if found.same else "the same rows, with other columns")
        return
    say(f"first difference: {_told(found.first, (one.name, other.name))}")
    for line in found.explanation:
        say(f"  {line}")


def _columns(table: TableDiff) -> str:
    if table.same_bytes:
        return "the same bytes"
    parts = [
        f"{name} {rows:,}" + (f" (by {largest:.3g})" if largest else "")
        for name, (rows, largest) in table.columns.items()
    ]
    parts += [
        f"{side} has {name}"
        for side, names in zip(("first", "second"), table.only_columns, strict=True)
        for name in names
    ]
    return ", ".join(parts) or ("the same rows" if table.same else "-")


def _told(first: Any, names: tuple[str, str]) -> str:
    where = ", ".join(f"{name} {value}" for name, value in first.key.items())
    if first.only_in is not None:
        return f"{first.table}: only in {names[first.only_in]}: {where}"
    return f"{first.table}: {where}: " + ", ".join(
        f"{name} {a} and {b}" for name, (a, b) in first.values.items()
    )
