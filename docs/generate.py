"""Writes the parts of the documentation that are made from the code: `python docs/generate.py`.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`; a test holds the pages to it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from engine.archive.vendors import LAYOUTS
from engine.cli.main import cli
from engine.config import models
from engine.indicators.catalogue import CATALOGUE
from engine.results.run_directory import TRADING_TABLES
from engine.runtime.module_loader import Kind, load_class, modules_in
from engine.scan.columns import COLUMNS
from engine.scan.load_scanner import SCANNERS, built_in_scanners
from engine.trading.slot import STRATEGIES

DOCS = Path(__file__).parent
BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def config_keys() -> str:
    """A table a model, in the order in which a config nests them."""
    order = [
        "SessionConfig",
        "BacktestConfig",
        "SessionDataConfig",
        "Historical",
        "IndicatorConfig",
        "ScannerConfig",
        "ScheduleConfig",
        "StrategyConfig",
        "AccountConfig",
        "CostsConfig",
        "SweepConfig",
    ]
    return "\n".join(
        f"### {name}\n\n{_first(getattr(models, name))}\n\n{_fields(getattr(models, name))}"
        for name in order
    )


def indicators() -> str:
    rows = [
        (
            i.group,
            f"`{i.name}`",
            ", ".join(f"{p.name}={p.default}" for p in i.params) or "-",
            ", ".join(i.outputs),
            i.warmup(*i.defaults),
            inspect.cleandoc(i.doc).split("\n\n")[0].replace("\n", " "),
        )
        for i in CATALOGUE.values()
        if i.group != "own"  # of whoever else is in this process
    ]
    return table(("group", "name", "parameters", "outputs", "warm-up", "what it is"), rows)


def columns() -> str:
    return table(
        ("column", "type", "meaning"), [(f"`{c.name}`", c.dtype, c.doc) for c in COLUMNS.values()]
    )


def scanners() -> str:
    return _plug_ins(built_in_scanners(), SCANNERS)


def strategies() -> str:
    return _plug_ins(modules_in(STRATEGIES.package), STRATEGIES)


def _plug_ins(paths: list[str], kind: Kind[Any]) -> str:
    parts = []
    for path in paths:
        found = load_class(path, kind)
        rows = [
            (f"`{n}`", "required" if f.is_required() else f"`{f.default!r}`", f.description)
            for n, f in found.Params.model_fields.items()
        ]
        parts.append(
            f"### {path}\n\n{inspect.cleandoc(found.__doc__ or '')}\n\n{table(('parameter', 'default', 'meaning'), rows)}"
        )
    return "\n".join(parts)


def trading_tables() -> str:
    names = ("orders", "fills", "trades", "equity")
    rows = [
        (f"`{name}.parquet`", ", ".join(f"`{column}`" for column in TRADING_TABLES[name]))
        for name in names
    ]
    return table(("table", "columns"), rows)


def commands() -> str:
    return "\n".join(_command(path, command) for path, command in _commands(cli, ("barsweep",)))


def _commands(
    group: click.Group, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        elif command is not None:
            yield (*path, name), command


def _command(path: tuple[str, ...], command: click.Command) -> str:
    arguments = [
        p.make_metavar(click.Context(command))
        for p in command.params
        if isinstance(p, click.Argument)
    ]
    rows = [
        (
            f"`{_spelled(o, click.Context(command))}`",
            (o.help or "") + (f" Default: {o.default}." if _has_default(o) else ""),
        )
        for o in command.params
        if isinstance(o, click.Option)
    ]
    text = f"### {' '.join([*path, *arguments])}\n\n{inspect.cleandoc(command.help or '')}\n"
    return text + (f"\n{table(('option', 'meaning'), rows)}" if rows else "")


def _spelled(option: click.Option, context: click.Context) -> str:
    """An option with what it takes, as `--help` has it."""
    names = " / ".join([*option.opts, *option.secondary_opts])
    return (
        names if option.is_flag else f"{names} {option.make_metavar(context).replace(' RANGE', '')}"
    )


def _has_default(option: click.Option) -> bool:
    return bool(option.show_default) and not option.is_flag


def _first(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "").split("\n\n")[0]


def _fields(model: type[BaseModel]) -> str:
    rows = []
    for name, field in model.model_fields.items():
        default = field.default
        shown = (
            "required"
            if field.is_required()
            else "a block"
            if isinstance(default, BaseModel)
            else f"`{default!r}`"
        )
        rows.append((f"`{name}`", shown, field.description))
    return table(("key", "default", "meaning"), rows)


def layouts() -> str:
    columns = ("`--layout`", "bars", "label", "zone", "recognized", "to know")
    rows = [
        (
            f"`{v.name}`",
            f"[{v.what}]({v.url})",
            v.label,
            v.zone,
            "yes" if v.own else "suggested, to be named",
            v.note,
        )
        for v in LAYOUTS.values()
    ]
    return table(columns, rows)


PARTS: dict[str, Callable[[], str]] = {
    "config_keys": config_keys,
    "indicators": indicators,
    "columns": columns,
    "scanners": scanners,
    "commands": commands,
    "strategies": strategies,
    "trading_tables": trading_tables,
    "layouts": layouts,
}


def render(text: str) -> str:
    """The page with its generated parts made anew."""
    return BLOCK.sub(lambda m: f"{m[1]}\n{PARTS[m[2]]()}\n{m[3]}", text)


if __name__ == "__main__":
    for page in sorted(DOCS.glob("*.md")):
        page.write_text(render(page.read_text()))
