"""What a plug-in's own code cannot do to the run: take for ever, go on as two processes, leave its
settings behind.

Why: a plug-in that changes the current folder or numpy's error handling would change what comes
after it; one that forks would have two processes write one run.
The test: rude scanners change no row of a polite one's (tests/session/test_rude_scanners.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from engine.errors import ScannerError
from engine.runtime.time_limit import OutOfTime, time_limit


@contextmanager
def guarded(seconds: float | None) -> Iterator[None]:
    """Run a plug-in's code.

    ScannerError where it takes longer than `seconds`, between two steps of Python.

    The current folder and numpy's error handling are put back. A process that the code has split
    off, and that has not ended there, ends here.
    """
    process, folder = os.getpid(), os.getcwd()
    try:
        with np.errstate(), time_limit(seconds):
            yield
    except OutOfTime:
        raise ScannerError(
            f"took longer than {seconds:g} s", expected="no more than scan_time_limit"
        ) from None
    finally:
        if os.getpid() != process:
            os._exit(1)
        os.chdir(folder)
