"""The project's log, where a command or a worker process writes it."""

from __future__ import annotations

import logging
import sys


def set_up_logging(level: str | int) -> None:
    """Send the project's log to stderr, and leave other libraries' alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("barsweep")
    log.handlers, log.propagate = [handler], False
    log.setLevel(level.upper() if isinstance(level, str) else level)
