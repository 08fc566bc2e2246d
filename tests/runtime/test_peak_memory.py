"""A small process that a large one has started tells of its own memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.runtime.peak_memory import STATUS
from tests.data import PROJECT

SMALL = """
import resource
from engine.runtime.peak_memory import peak_memory_mb
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, peak_memory_mb())
"""
LARGE = f"""
import subprocess, sys
held = bytearray(400 << 20)
held[::4096] = b"1" * len(held[::4096])
print(subprocess.run([sys.executable, "-c", {SMALL!r}], check=True, capture_output=True, text=True).stdout)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="the system keeps no such figure")
def test_memory_of_the_process_that_started_it_is_not_counted() -> None:
    """When getrusage tells of the small one alone, it will do."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    inherited, own = map(float, done.stdout.split())
    assert own < 200
    assert inherited >= 400
