"""Ctrl-C ends the process in time, whatever it is doing.

Why: Python handles a signal in the main thread between two steps of Python. A compiler's pass is
one call that takes seconds; so is a wait for another thread's. A callback may swallow the
KeyboardInterrupt. So a thread of its own hears of the signal at once, through a pipe, and ends the
process where the main thread has not done so by itself within GRACE. What is written is written
atomically: it is as if the process was killed.
Measured: of 20 moments of a run with nothing compiled before, one fell into a callback of llvmlite,
which swallowed it.
No longer needed: when a main thread that is in one long call is interrupted
(tests/runtime/test_interrupt.py).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

GRACE = 1.0  # seconds
STATUS = 128 + signal.SIGINT
SHOW_CURSOR = b"\x1b[?25h"  # a progress bar hides it


@contextmanager
def ended_at_interrupt() -> Iterator[None]:
    """End the process GRACE after Ctrl-C, if it is still there.

    Nothing where another thread than the main one calls.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(heard,), name="interrupt", daemon=True).start()
    told_before = sys.unraisablehook
    sys.unraisablehook = lambda one: None if one.exc_type is KeyboardInterrupt else told_before(one)
    try:
        yield
    finally:
        sys.unraisablehook = told_before
        signal.set_wakeup_fd(before)
        os.close(told)


def end_now() -> None:
    """End the process without waiting for its threads: one that was being started just now would
    never end.
    """
    os._exit(STATUS)


def _listen(heard: int) -> None:
    while number := os.read(heard, 1):
        if number[0] == signal.SIGINT:
            time.sleep(GRACE)
            os.write(2, (SHOW_CURSOR if os.isatty(2) else b"") + b"stopped\n")
            end_now()
    os.close(heard)
