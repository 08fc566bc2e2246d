"""How many cores this process may use.

Why: `os.cpu_count()` counts the machine's, also where a process may use some of them only
(`taskset`, a container's cpuset), and twice as many threads as cores wait for each other.
No longer needed: with Python 3.13 or newer alone, which has `os.process_cpu_count`
(tests/runtime/test_cores.py).
"""

from __future__ import annotations

import os


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
