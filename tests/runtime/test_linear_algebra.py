"""What kernels bring with them into a process."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.data import PROJECT

RUN = """
import sys
import numpy as np
from engine.compute.span_rows import first_disorder
none = np.zeros(0, np.int64)
first_disorder(none, none, none)
"""
OWN = """
import numba
@numba.njit
def own(x):
    return np.dot(x, x), np.linalg.inv(x), np.cov(x)
one = np.array([[2.0, 0.0], [1.0, 1.0]])
for made, expected in zip(own(one), (one @ one, np.linalg.inv(one), np.cov(one))):
    np.testing.assert_allclose(made, expected)
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_kernel_takes_no_linear_algebra_along() -> None:
    assert run(RUN + "print('scipy.linalg' in sys.modules)") == "False"


@pytest.mark.parametrize("before", ["", "import scipy.linalg\n"])
def test_own_kernels_may_use_it(before: str) -> None:
    pytest.importorskip("scipy")
    run(before + RUN + OWN)


def test_numba_alone_imports_it() -> None:
    """When this fails, numba can be loaded as it is."""
    pytest.importorskip("scipy")
    alone = "import sys, numba, numpy as np\nnumba.njit(lambda x: x.sum())(np.zeros(3))\nprint('scipy.linalg' in sys.modules)"
    assert run(alone) == "True"
