"""The examples of docs/python.md, of the notebook and of the README's library part run.

Cells are run here by a few lines of Python rather than by a kernel: Jupyter would bring some sixty packages into the lock for one
notebook. What a kernel would show of each cell's last expression is made, too.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.archive.archive import Archive
from tests.data import PROJECT

LONGEST = 200_000  # bytes of what a notebook keeps of a result


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    """`__main__`, as a notebook has it, in a folder of its own."""
    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.chdir(tmp_path)
    return main


def blocks(page: Path) -> Iterator[str]:
    yield from re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def run_cell(text: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, if that is an expression."""
    tree, last = ast.parse(text), None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)  # type: ignore[attr-defined]
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(last, "cell", "eval"), names) if last else None


def test_the_page_runs(module: types.ModuleType) -> None:
    found = list(blocks(PROJECT / "docs/python.md"))
    for text in found:
        run_cell(text, vars(module))
    assert len(found) >= 10


def test_the_page_on_sweeps_runs(module: types.ModuleType) -> None:
    Path("session_configs").symlink_to(PROJECT / "session_configs")
    found = list(blocks(PROJECT / "docs/sweeping.md"))
    for text in found:
        run_cell(text, vars(module))
    assert len(found) == 4


def test_the_page_on_optimizing_runs(module: types.ModuleType) -> None:
    found = list(blocks(PROJECT / "docs/optimizing.md"))
    for text in found:
        run_cell(text, vars(module))
    assert len(found) == 1 and Path("runs/trials").is_dir()


def test_the_notebook_runs_and_shows_its_results(module: types.ModuleType) -> None:
    content = json.loads((PROJECT / "docs/scan.ipynb").read_text())
    shown = 0
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            value = run_cell("".join(cell["source"]), vars(module))
            if hasattr(value, "_repr_html_"):
                page = value._repr_html_()
                assert "<table" in page and len(page.encode()) < LONGEST
                shown += 1
    assert shown >= 8


def test_the_notebook_is_kept_without_its_outputs() -> None:
    content = json.loads((PROJECT / "docs/scan.ipynb").read_text())
    assert all(not cell["outputs"] for cell in content["cells"] if cell["cell_type"] == "code")


def test_the_readmes_library_example_runs(module: types.ModuleType, us2018: Archive) -> None:
    (example,) = (text for text in blocks(PROJECT / "README.md") if "import barsweep" in text)
    assert len([line for line in example.splitlines() if line.strip()]) <= 5
    (Path.cwd() / "parquet_data").mkdir()
    (Path.cwd() / "parquet_data/us2018").symlink_to(us2018.path)
    run_cell(example, vars(module))
