"""What a plug-in writes to stdout goes to stderr.

Why: stdout is for results, which may be piped into a program. A plug-in's `print`, and what a
process it starts writes to file descriptor 1, would stand among them; so the descriptor is turned,
not `sys.stdout` alone.
The test: tests/cli/test_failing_well.py.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

STDOUT, STDERR = 1, 2


@contextmanager
def plug_ins_print_to_stderr() -> Iterator[None]:
    """What a scanner, or a process it starts, writes to stdout meanwhile goes to stderr."""
    if sys.stdout is None:  # nobody listens
        yield
        return
    sys.stdout.flush()
    results, there = sys.stdout, os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    sys.stdout = os.fdopen(
        os.dup(STDERR), "w", buffering=1, encoding="utf-8", errors="backslashreplace"
    )
    try:
        yield
    finally:
        with suppress(OSError, ValueError):  # a scanner may have closed it
            sys.stdout.close()
        sys.stdout = results
        os.dup2(there, STDOUT)
        os.close(there)
