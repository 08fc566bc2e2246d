"""A process that may use one core of several has one."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib

import pytest

from tests.data import PROJECT

CODE = """
import os
from engine.runtime.cores import cores
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(os.cpu_count(), cores())
"""


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2,
    reason="one core, or no way to ask for one",
)
def test_the_machines_cores_are_more_than_the_process_has() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    machine, ours = map(int, done.stdout.split())
    assert machine > ours == 1


def test_python_may_still_be_older_than_its_own_count() -> None:
    """When this fails, `os.process_cpu_count` does it."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
