"""Worker processes that end with their parent, and at Ctrl-C without a word.

Why: Ctrl-C on a terminal reaches every process of the group. A worker that is told while it is
still being started prints a traceback or, having caught it, is waited for. So it is started with
SIGINT blocked, and lets itself be ended once it has settled in.
A worker whose parent was killed would wait for work for ever: it listens to a pipe that closes when
the parent ends.
Measured: without the pipe, workers of a run that is killed by SIGKILL are still there after a
minute.
The test: tests/runs/test_resume.py, `test_workers_end_with_the_run`.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection

from engine.log import set_up_logging
from engine.runtime.thread_share import share_of_threads


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """So many processes, which end with this one, and at once where something is raised."""
    context, log = multiprocessing.get_context("spawn"), logging.getLogger("barsweep")
    heard, alive = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(
        count, context, _settle_in, (heard, log.level if log.handlers else None)
    )
    try:
        yield pool
    except BaseException:
        alive.close()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        alive.close()
        heard.close()


@contextmanager
def born_into(count: int) -> Iterator[None]:
    """What a process is born into that is one of so many: its share of threads, and Ctrl-C waits
    until it has settled in.

    To be held where work is submitted, which is when the pool starts processes.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        with share_of_threads(count):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _settle_in(heard: Connection, level: int | None) -> None:
    """Let a worker process end without a word, at Ctrl-C and when nobody is `heard` any more.

    Let it log as the run's own.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    if level is not None:
        set_up_logging(level)
    threading.Thread(target=_end_with, args=(heard,), daemon=True).start()


def _end_with(heard: Connection) -> None:
    heard.poll(None)
    os._exit(1)
