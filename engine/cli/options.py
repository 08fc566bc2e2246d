"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path)


def archive_option(required: bool) -> Callable[[Command], Command]:
    """--archive."""
    return click.option("--archive", "archive_path", type=FOLDER, required=required, help="Folder of the archive.")


format_option = click.option(
    "--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="How to print the result.",
)  # fmt: skip
quiet_option = click.option("--quiet", is_flag=True, help="No progress and no notes, results only.")
log_level_option = click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="warning", show_default=True,
    help="What of the log goes to stderr.",
)  # fmt: skip
