"""The callback by which long work reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # what is done, units done, units in all


def silent(*report: object) -> None:
    """Progress that is not shown."""
