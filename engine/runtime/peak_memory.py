"""How much memory this process has held.

Why: getrusage's figure goes over to a process that is forked: one that was started by a large
process begins with that one's peak. Where the system keeps a figure of the process alone (Linux),
that is taken.
No longer needed: when getrusage of a small process that a large one has started tells of the small
one (tests/runtime/test_peak_memory.py).
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory_mb() -> float:
    """The most this process has held at once, in MB."""
    if STATUS.exists():
        for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
