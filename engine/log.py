"""The project's log, where a command or a worker process writes it."""

from __future__ import annotations

import logging
import sys

from engine.text import lines


def set_up_logging(level: str | int) -> None:
    """Send the project's log to stderr, and leave other libraries' alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("barsweep")
    log.handlers, log.propagate = [handler], False
    log.setLevel(level.upper() if isinstance(level, str) else level)


class _Plain(logging.Formatter):
    """Messages hold names that came from data."""

    def format(self, record: logging.LogRecord) -> str:
        return lines(super().format(record))
