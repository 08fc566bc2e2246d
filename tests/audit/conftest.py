from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.archive.archive import Archive
from engine.archive.disk import layout


@pytest.fixture(scope="session")
def days(demo: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The demo market's daily bars, and nothing else."""
    path: Path = tmp_path_factory.mktemp("archives") / "days"
    shutil.copytree(demo.path / "bars" / "interval=1d", path / "bars" / "interval=1d")
    layout.write_manifest(path, demo.manifest.model_copy(update={"intervals": ("1d",)}))
    return Archive.open(path)
