"""`barsweep optimize`, and the command that docs/optimizing.md shows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import polars as pl
import pytest

from engine.archive.archive import Archive
from tests.cli.barsweep import Barsweep
from tests.data import PROJECT


def documented() -> list[str]:
    """The arguments of the page's command."""
    page = (PROJECT / "docs/optimizing.md").read_text()
    command = re.search(r"```\n(barsweep optimize .*?)\n```", page, re.DOTALL)
    assert command is not None
    return shlex.split(command[1].replace("\\\n", " "))[1:]


def test_the_documented_command_runs(
    barsweep: Barsweep, demo: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [str(demo.path) if one == "parquet_data/demo" else one for one in documented()]
    called = barsweep(*arguments)
    assert called.status == 0, called.err
    assert "excess_close" in called.out and "trials over this archive: 9 variants" in called.out
    splits = pl.read_parquet("best/splits.parquet")
    assert len(splits) == 6 and f"\n{len(splits) - 1}\t" in called.out
    assert len([*Path("runs/trials").glob("*.parquet")]) == 1
    as_json = json.loads(barsweep(*arguments, "--format", "json", "--quiet").out)
    assert as_json["luck"]["trials"] == 9 and len(as_json["splits"]) == 6


def test_a_mistake_is_one_line(barsweep: Barsweep, demo: Archive, tmp_path: Path) -> None:
    called = barsweep(
        "optimize", "close > 1", "--archive", demo.path, "--objective", "sharp_ratio",
        "--ledger", tmp_path / "trials",
    )  # fmt: skip
    assert called.status == 2 and called.err.count("\n") == 1
    assert "no objective 'sharp_ratio'" in called.err
