"""numba's cache does not notice a change of what a function calls: the project's names do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.indicators.overlays.sma import sma
from engine.runtime import jit
from engine.trading.broker.money import round_lot

HELPER = "import numba\n@numba.njit(cache=True)\ndef helper(x):\n    return x + {}\n"
USER = """
import numba
from helper import helper
@numba.njit(cache=True)
def user(x):
    return helper(x)
print(user(0))
"""


def test_numba_alone_still_computes_with_the_old_code(tmp_path: Path) -> None:
    """When this fails, names need no digest any more."""
    (tmp_path / "user.py").write_text(USER)
    told = []
    for number in (1, 2):
        (tmp_path / "helper.py").write_text(HELPER.format(number))
        os.utime(tmp_path / "helper.py", (number, number))
        environment = os.environ | {
            "PYTHONPATH": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CACHE_DIR": str(tmp_path),
        }
        done = subprocess.run(
            [sys.executable, "user.py"],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        told.append(done.stdout.strip())
    assert told == ["1", "1"]


def test_names_change_with_the_files_that_are_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("shared", "broker"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pass.py").write_text("1")
    monkeypatch.setattr(
        jit, "_FOLDERS", {folder: tmp_path / folder for folder in ("shared", "broker")}
    )
    digests = [jit._digest.__wrapped__(folder) for folder in ("shared", "broker")]
    (tmp_path / "shared" / "pass.py").write_text("2")
    assert [
        jit._digest.__wrapped__(folder) == before
        for folder, before in zip(("shared", "broker"), digests, strict=True)
    ] == [False, True]


def test_kernels_carry_the_digest_of_their_folder() -> None:
    assert sma.py_func.__qualname__ == f"sma_{jit._digest('shared')}"
    assert round_lot.py_func.__qualname__ == f"round_lot_{jit._digest('broker')}"
