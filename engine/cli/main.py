"""The console script: commands, imported when they are called, and what becomes of errors."""

from __future__ import annotations

import errno
import importlib
import os
import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import click

from engine import __version__
from engine.errors import BarsweepError
from engine.runtime.interrupt import end_now, ended_at_interrupt

LINE = re.compile(r'"""`barsweep (\w+)`: (.+)"""$')


@cache
def commands() -> dict[str, tuple[str, str]]:
    """Command -> the module that holds it, and its line in `barsweep --help`.

    Both are read from the first line of each file of this folder: so a command is one file, and
    `barsweep --help`, which imports none of them, costs next to nothing.
    """
    found = {}
    for file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        with open(file, encoding="utf-8") as text:
            line = LINE.match(text.readline().rstrip())
        if line:
            found[line[1]] = (f"engine.cli.{file.stem}", line[2])
    return found


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, sorted."""
        return list(commands())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command; None where there is none of that name."""
        if name not in commands():
            return None
        held = vars(importlib.import_module(commands()[name][0])).values()
        return next(one for one in held if isinstance(one, click.Command) and one.name == name)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; a pipe that its reader has closed ends it quietly."""
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
            return status
        # The reader of a pipe has seen enough (`| head`): what is still to be written goes nowhere.
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their lines, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in commands().items()])


@click.command(cls=LazyGroup)
@click.version_option(__version__, prog_name="barsweep")
@click.option(
    "--allow-modules",
    "folders",
    multiple=True,
    metavar="FOLDER",
    help="Let configs name modules of this folder too, beside barsweep's own, those of installed "
    "packages and of the folder "
    "where the command is run; may be repeated.",
)
def cli(folders: tuple[str, ...]) -> None:
    """Scan whole markets of historical bars, session by session, without looking ahead.

    Exit status: 0 done, 1 ran with failures, 2 the input was wrong.
    """
    if folders:
        from engine.api import allow_modules
        from engine.cli.shared_options import spell

        allow_modules(folders, spell=spell)


# What the system says where a disk is the matter: no bug of ours, and the libraries that write do
# not all give an errno.
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
            f"{str(error).splitlines()[0]}; expected room to write; make room, or write "
            "elsewhere; nothing half is left"
        )
    return status if isinstance(status, int) else 0


def _refuse(message: str) -> int:
    from engine.cli.output import say_lines

    say_lines(f"error: {message}", err=True)
    return 2
