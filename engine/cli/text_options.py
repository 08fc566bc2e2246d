"""How text files are written, as options of the commands that read them."""

from __future__ import annotations

import click

from engine.cli.shared_options import Command


def text_options(command: Command) -> Command:
    """--header, --skip-lines, --encoding, --strip, --decimal-comma, --repeated-hour, --no-volume."""
    options = (
        click.option(
            "--header",
            metavar="NAMES",
            help="Columns of text files without a header, such as symbol,timestamp,open,high,low,close,volume.",
        ),
        click.option(
            "--skip-lines",
            type=click.IntRange(0),
            default=0,
            metavar="NUMBER",
            help="Lines of text files before their header, or before the first row with --header.",
        ),
        click.option(
            "--encoding",
            default="utf-8",
            show_default=True,
            help="Encoding of text files, such as latin-1.",
        ),
        click.option(
            "--strip",
            default="",
            metavar="CHARACTERS",
            help="Characters to take out of numbers that are text, such as '$,'.",
        ),
        click.option(
            "--decimal-comma",
            is_flag=True,
            help="Numbers that are text have a comma before their decimals.",
        ),
        click.option(
            "--repeated-hour",
            type=click.Choice(["earlier", "later", "order"]),
            help="Which hour it is that the clock of --timezone tells twice in autumn; order: both, one after the other.",
        ),
        click.option(
            "--no-volume",
            is_flag=True,
            help="The source records no volume: where none is, 0 is stored, which says nothing.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
