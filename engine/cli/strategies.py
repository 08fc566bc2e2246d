"""`barsweep strategies`."""

from __future__ import annotations

import inspect
from pathlib import Path

import click

from engine.cli.options import FOLDER, CommandGroup, format_option
from engine.cli.output import print_json, print_table, say, say_lines
from engine.cli.scanners import first_line, parameters


@click.group("strategies", cls=CommandGroup)
def strategies_group() -> None:
    """List strategies, show their parameters, write a new one."""


@strategies_group.command("list")
@format_option
def list_command(output_format: str) -> None:
    """List the strategies that come with barsweep."""
    from engine.scan.module_loader import load_class, modules_in
    from engine.trading.slot import STRATEGIES

    rows = [(path, first_line(load_class(path, STRATEGIES))) for path in modules_in(STRATEGIES.package)]
    if output_format == "json":
        print_json([{"module": path, "summary": summary} for path, summary in rows])
    else:
        print_table("", ("module", "trades"), rows)


@strategies_group.command("show")
@click.argument("module")
def show_command(module: str) -> None:
    """Show the strategy of MODULE: what it trades, its parameters, its rules and indicators."""
    from engine.errors import StrategyError
    from engine.plug_ins import made
    from engine.scan.module_loader import load_class
    from engine.trading.plan import SignalPlan
    from engine.trading.slot import STRATEGIES
    from engine.trading.strategy import ColumnarStrategy

    found = load_class(module, STRATEGIES)
    say_lines(inspect.cleandoc(found.__doc__ or "") + "\n")
    print_table("parameters", ("parameter", "default", "meaning"), parameters(found))
    if any(field.is_required() for field in found.Params.model_fields.values()):
        return
    strategy = made(found, module, StrategyError)
    if not isinstance(strategy, ColumnarStrategy):
        say("", f"indicators: {', '.join(str(key) for key in strategy.indicators()) or 'none'}; decides bar by bar")
        return
    plan = SignalPlan.build(module, strategy)
    say()
    print_table("rules", ("what", "expression"), [(c.name, str(c.expression.meta.undo_aliases())) for c in plan.parts])
    say("", f"indicators: {', '.join(key.name for key in plan.indicators) or 'none'}")


@strategies_group.command("new")
@click.argument("name")
@click.option("--folder", type=FOLDER, default=Path("."), show_default=True, help="Where the files go.")
def new_command(name: str, folder: Path) -> None:
    """Write a strategy NAME, a session config and a test to start from.

    Run it with `barsweep run NAME.json --archive FOLDER` from the folder they are in.
    """
    from engine.trading.skeleton import write_strategy

    for path in write_strategy(name, folder):
        say(path)
