"""A time limit for a plug-in's code.

Why: a scan that hangs would hang the run. Python cannot stop a thread; a Unix timer's signal is
handled by the main thread between two steps of Python, also while it sleeps, and what the handler
raises ends the code. The timer rings again until it is turned off, as code may catch the first.
Code that stays in one C call is not reached.
Only a process's main thread is told of signals: elsewhere a limit is refused (`check_time_limit`).
The test: a scan that hangs is that scan's error, and the run goes on
(tests/session/test_rude_scanners.py, tests/runtime/test_time_limit.py).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import ConfigError

AGAIN = 0.1  # seconds after which code that has caught the alarm is told once more


class OutOfTime(BaseException):
    """Raised in the midst of code that takes too long.

    No Exception, so that the code's own handlers let it pass.
    """


def check_time_limit(seconds: float | None, where: object) -> None:
    """Refuse a time limit where none can be kept: it needs a Unix timer, which rings in a process's
    main thread.
    """
    if seconds is not None and (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        raise ConfigError(
            "scan_time_limit cannot be kept here",
            where=where,
            expected="Unix, and the main thread of a process",
            fix="leave scan_time_limit out, or run in the main thread or in a process of its own",
        )


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise OutOfTime in the code within, once it has taken so long; None for no limit."""
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
