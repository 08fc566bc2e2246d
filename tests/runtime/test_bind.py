"""A loop that is bound to its kernel is found in the cache by the next process; one that is given its kernel is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.data import PROJECT

CODE = """
import numba
from engine.runtime.bind import bind

@numba.njit(cache=True)
def double(x):
    return 2.0 * x

@numba.njit(cache=True)
def given(function, x):
    return function(x) + function(x)

def _loop(x):
    return _kernel(x) + _kernel(x)

bound = numba.njit(cache=True)(bind(_loop, double, _kernel=double))
assert (given(double, 1.0), bound(1.0)) == (4.0, 4.0)
print(sum(given.stats.cache_hits.values()), sum(bound.stats.cache_hits.values()), bound.py_func.__name__)
"""


def test_what_is_bound_is_found_by_the_next_process(tmp_path: Path) -> None:
    """When the first of the two is found, too, loops can be given their kernels."""
    (tmp_path / "bound.py").write_text(CODE)
    environment = os.environ | {
        "PYTHONPATH": str(PROJECT),
        "NUMBA_CACHE_DIR": str(tmp_path / "cache"),
    }
    run = [sys.executable, "bound.py"]
    told = [
        subprocess.run(
            run, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        ).stdout
        for _ in range(2)
    ]
    assert [one.split() for one in told] == [["0", "0", "double_loop"], ["0", "1", "double_loop"]]
