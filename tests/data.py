"""Real market data for tests: read in place, from `../shared/data` seen from the project's root, never copied."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SHARED_DATA = PROJECT.parent / "shared" / "data"


def real_data(name: str) -> Path:
    """The path of a real data set; skips the test where it is missing, and fails it where `CI` is set."""
    path = SHARED_DATA / name
    if path.exists():
        return path
    message = f"real data set {name} is not in {SHARED_DATA}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
