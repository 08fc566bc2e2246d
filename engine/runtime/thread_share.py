"""A process that is one of several is born with its share of threads.

Why: Polars sizes its pool when it is imported, from an environment variable and otherwise by the
machine's cores; so the variable is set while a process is started. So many processes with as many
threads each as there are cores would wait for each other.
Threads are twice the cores, as they wait for each other at times.
No longer needed: when Polars' pool can be sized after it was imported
(tests/runtime/test_thread_share.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from engine.runtime.cores import cores
from engine.runtime.threads import THREADS

SHARED = (THREADS, "POLARS_MAX_THREADS")  # environment variables: threads of a process


@contextmanager
def share_of_threads(count: int) -> Iterator[None]:
    """What one of `count` processes is born with; the environment is put back."""
    before = {name: os.environ.get(name) for name in SHARED}
    os.environ |= dict.fromkeys(SHARED, str(-(-2 * cores() // count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
