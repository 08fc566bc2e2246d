"""`barsweep`: the commands, loaded when they are called, and what becomes of errors."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from contextlib import suppress
from typing import Any

import click

from engine import __version__
from engine.errors import BarsweepError
from engine.runtime.interrupt import end_now, ended_at_interrupt

# command -> module and attribute, and the help line: modules are imported when their command is called, so that
# `barsweep --help` costs next to nothing.
COMMANDS = {
    "run": ("engine.cli.run:run_command", "Replay a session config over its archive."),
    "scan": (
        "engine.cli.scan:scan_command",
        "Scan an archive with scanners or an expression; list the hits.",
    ),
    "explain": (
        "engine.cli.explain:explain_command",
        "Say why a symbol was found at a tick, or why not.",
    ),
    "audit": (
        "engine.cli.audit:audit_command",
        "Prove that nothing looks ahead, and that warm-ups are long enough.",
    ),
    "show": ("engine.cli.show:show_command", "Show what a run found of a symbol; draw a session."),
    "evaluate": (
        "engine.cli.evaluate:evaluate_command",
        "Say what hits did next, against the symbols that did not hit.",
    ),
    "sweep": (
        "engine.cli.sweep:sweep_command",
        "Judge variants of scanners by what their hits did next, in one pass.",
    ),
    "optimize": (
        "engine.cli.optimize:optimize_command",
        "Search the best variant, judge it where it was not chosen, and say how much of it is luck.",
    ),
    "report": (
        "engine.cli.report:report_command",
        "Write the report of a run, or of several side by side, as one HTML page.",
    ),
    "diff": (
        "engine.cli.diff:diff_command",
        "Compare two runs: tables, rows, columns, and the first difference explained.",
    ),
    "bench": (
        "engine.cli.bench:bench_command",
        "Measure how fast scanners scan, against decoding, DuckDB and Polars.",
    ),
    "archive": (
        "engine.cli.archive:archive_group",
        "Make, import, check, compare and describe archives of bars.",
    ),
    "config": ("engine.cli.config:config_group", "Check session configs; print their JSON Schema."),
    "scanners": (
        "engine.cli.scanners:scanners_group",
        "List scanners, show their parameters, write a new one.",
    ),
    "strategies": (
        "engine.cli.strategies:strategies_group",
        "List strategies, show their parameters, write a new one.",
    ),
    "indicators": (
        "engine.cli.indicators:indicators_group",
        "List indicators and show what they mean.",
    ),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
            return status
        except BrokenPipeError:  # the reader of a pipe has seen enough (`| head`): what is still to be written goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup)
@click.version_option(__version__, prog_name="barsweep")
@click.option(
    "--allow-modules",
    "folders",
    multiple=True,
    metavar="FOLDER",
    help="Let configs name modules of this folder too, beside barsweep's own, those of installed packages and of the folder "
    "where the command is run; may be repeated.",
)
def cli(folders: tuple[str, ...]) -> None:
    """Scan whole markets of historical bars, session by session, without looking ahead.

    Exit status: 0 done, 1 ran with failures, 2 the input was wrong.
    """
    if folders:
        from engine.api import allow_modules
        from engine.cli.options import spell

        allow_modules(folders, spell=spell)


# What the system says where a disk is the matter: no bug of ours, and the libraries that write do not all give an errno.
DISK = [os.strerror(code) for code in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS)]


def main() -> None:
    """The console script."""
    with ended_at_interrupt():
        sys.exit(_called())


def _called() -> int:
    """Call the command that the arguments name; its exit status."""
    try:
        status = cli.main(standalone_mode=False)
    except BarsweepError as error:
        status = _refuse(str(error))
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        with suppress(OSError):
            sys.stdout.flush()
        end_now()  # all is closed
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except OSError as error:
        if not any(text in str(error) for text in DISK):
            raise
        status = _refuse(
            f"{str(error).splitlines()[0]}; expected room to write; make room, or write elsewhere; nothing half is left"
        )
    return status if isinstance(status, int) else 0


def _refuse(message: str) -> int:
    from engine.cli.output import say_lines

    say_lines(f"error: {message}", err=True)
    return 2
