"""What a plug-in's own code cannot do to the run: take for ever, go on as two processes, leave its settings behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from engine.errors import ConfigError, ScannerError

AGAIN = 0.1  # seconds after which code that has caught the alarm is told once more


class OutOfTime(BaseException):
    """Raised in the midst of code that takes too long; no Exception, so that the code's own handlers let it pass."""


def check_time_limit(seconds: float | None, where: object) -> None:
    """Refuse a time limit where none can be kept: it needs a Unix timer, which rings in a process's main thread."""
    if seconds is not None and (
        not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread()
    ):  # fmt: skip
        raise ConfigError("scan_time_limit cannot be kept here", where=where, expected="Unix, and the main thread of a process")


@contextmanager
def guarded(seconds: float | None) -> Iterator[None]:
    """Run a plug-in's code; ScannerError where it takes longer than `seconds`, between two steps of Python.

    The current folder and numpy's error handling are put back. A process that the code has split off, and that has not ended
    there, ends here.
    """
    process, folder = os.getpid(), os.getcwd()
    try:
        with np.errstate(), _within(seconds):
            yield
    except OutOfTime:
        raise ScannerError(f"took longer than {seconds:g} s", expected="no more than scan_time_limit") from None
    finally:
        if os.getpid() != process:
            os._exit(1)
        os.chdir(folder)


@contextmanager
def _within(seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, before)
                break
            except OutOfTime:  # it rang in these very lines
                continue


def _ring(number: int, frame: object) -> None:
    raise OutOfTime
