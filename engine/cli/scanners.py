"""`barsweep scanners`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click

from engine.cli.options import FOLDER, CommandGroup, format_option
from engine.cli.output import print_json, print_table, say, say_lines


@click.group("scanners", cls=CommandGroup)
def scanners_group() -> None:
    """List scanners, show their parameters, write a new one."""


@scanners_group.command("list")
@format_option
def list_command(output_format: str) -> None:
    """List the scanners that come with barsweep."""
    from engine.scan.module_loader import built_in_scanners, load_scanner_class

    rows = [(path, first_line(load_scanner_class(path))) for path in built_in_scanners()]
    if output_format == "json":
        print_json([{"module": path, "summary": summary} for path, summary in rows])
    else:
        print_table("", ("module", "finds"), rows)


@scanners_group.command("show")
@click.argument("module")
def show_command(module: str) -> None:
    """Show the scanner of MODULE: what it finds, its parameters, clauses and indicators."""
    from engine.errors import ScannerError
    from engine.plug_ins import made
    from engine.scan.base import ColumnarScanner
    from engine.scan.module_loader import load_scanner_class

    scanner = load_scanner_class(module)
    say_lines(inspect.cleandoc(scanner.__doc__ or "") + "\n")
    if not issubclass(scanner, ColumnarScanner):
        return
    print_table("parameters", ("parameter", "default", "meaning"), parameters(scanner))
    missing = [name for name, field in scanner.Params.model_fields.items() if field.is_required()]
    if missing:
        say("", f"clauses: as the config's {', '.join(missing)} say")
        return
    plan = made(scanner, module, ScannerError).plan()
    say()
    print_table("clauses", ("clause", "expression"), [(c.name, str(c.expression.meta.undo_aliases())) for c in plan.clauses])
    say("", f"indicators: {', '.join(key.name for key in plan.indicators) or 'none'}")


@scanners_group.command("new")
@click.argument("name")
@click.option("--folder", type=FOLDER, default=Path("."), show_default=True, help="Where the files go.")
def new_command(name: str, folder: Path) -> None:
    """Write a scanner NAME, a session config and a test to start from.

    Run it with `barsweep run NAME.json --archive FOLDER` from the folder they are in.
    """
    from engine.scan.skeleton import write_skeleton

    for path in write_skeleton(name, folder):
        say(path)


def first_line(scanner: Any) -> str:
    """The first line of a plug-in's docstring."""
    return (scanner.__doc__ or "").strip().splitlines()[0]


def parameters(scanner: Any) -> list[tuple[str, str, str]]:
    """A plug-in's parameters: name, default, meaning."""
    fields = scanner.Params.model_fields
    return [
        (name, "required" if field.is_required() else str(field.default), field.description or "") for name, field in fields.items()
    ]
