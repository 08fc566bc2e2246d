"""Packages that statistics are held against, which are not needed to run the others."""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest


def oracle(name: str) -> Any:
    """A package; skips the test where it is not installed, and fails it where `CI` is set."""
    try:
        return importlib.import_module(name)
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{name} is not installed")
