"""A process has as many Polars threads as the environment says when it is started, and no other number later."""

from __future__ import annotations

import os
import subprocess
import sys

from engine.runtime.cores import cores
from engine.runtime.thread_share import SHARED, share_of_threads

CODE = """
import os
import polars as pl
before = pl.thread_pool_size()
os.environ["POLARS_MAX_THREADS"] = str(before + 1)
pl.DataFrame({"a": range(10)}).group_by("a").len()
print(before, pl.thread_pool_size(), any(name.startswith("set_thread") for name in dir(pl.Config)))
"""


def test_a_process_is_born_with_its_share_and_keeps_it() -> None:
    """When a pool can be sized later, nothing needs to be born into."""
    before = dict(os.environ)
    with share_of_threads(2):
        assert {os.environ[name] for name in SHARED} == {str(cores())}
        done = subprocess.run(
            [sys.executable, "-c", CODE], check=True, capture_output=True, text=True
        )
    assert dict(os.environ) == before
    assert done.stdout.split() == [str(cores()), str(cores()), "False"]
