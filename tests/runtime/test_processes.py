"""Workers of the standard library outlive a parent that is killed; ours do not (tests/runs/test_resume.py)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = """
import multiprocessing, os, signal
from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="no way to look for a process")
def test_workers_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    """When this fails, no pipe needs to be listened to."""
    (tmp_path / "parent.py").write_text(CODE)
    parent = subprocess.Popen(
        [sys.executable, "parent.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with parent:
        worker = int(parent.stdout.readline())  # type: ignore[union-attr]
        try:
            parent.stdout.close()  # type: ignore[union-attr]
            assert parent.wait(10) == -signal.SIGKILL
            time.sleep(1.0)
            assert Path(f"/proc/{worker}").exists()
        finally:
            os.kill(worker, signal.SIGKILL)
