"""Modules of one's own, named on the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.archive.archive import Archive
from engine.runtime.module_origin import ALLOWED
from tests.cli.barsweep import Barsweep


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The command is run in another folder than the module's."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv(ALLOWED, "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("mine", None)


@pytest.mark.usefixtures("shared_at_once")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_folder_is_allowed_for_one_command(
    workers: int, barsweep: Barsweep, tmp_path: Path, demo: Archive
) -> None:
    barsweep("scanners", "new", "mine", "--folder", "../own")
    run = (
        "run",
        "../own/mine.json",
        "--archive",
        demo.path,
        "--start",
        "2017-11-27",
        "--end",
        "2017-12-04",
        "--out",
        tmp_path / "runs",
        "--workers",
        workers,
        "--quiet",
    )
    refused = barsweep(*run)
    assert (
        refused.status == 2
        and "no module 'mine'" in refused.err
        and "--allow-modules FOLDER" in refused.err
    )
    assert barsweep("--allow-modules", "../own", *run).status == 0


def test_a_folder_that_is_not_there(barsweep: Barsweep) -> None:
    told = barsweep("--allow-modules", "none", "scanners", "list")
    assert told.status == 2 and "--allow-modules none: no such folder" in told.err
